kubectl patch networkpolicy -n shop db --type=json -p '[{"op":"replace","path":"/spec/ingress/0/from/0/podSelector/matchLabels/app","value":"api"}]'
