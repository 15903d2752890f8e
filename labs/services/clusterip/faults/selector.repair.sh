kubectl set selector service web app=web
