kubectl patch networkpolicy -n shop db --type=json -p '[{"op":"replace","path":"/spec/ingress/0/ports/0/port","value":5432}]'
