#!/bin/sh
# etcd and kube-apiserver in one container; "apiserver: ready" on stdout when it answers.
set -eu
d=/var/lib/apiserver
mkdir -p $d
cd $d
if [ ! -e sa.key ]; then
  openssl genrsa -out sa.key 2048 2>/dev/null
  openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
  # token, user, uid, groups: one cluster administrator and one user that RBAC gives nothing to begin with
  printf '%s\n' 'admin-token,admin,1,"system:masters"' 'auditor-token,auditor,2' 'confined-token,confined,3' > tokens.csv
  # a serving certificate for whatever name the tests reach it by
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout tls.key -out tls.crt -subj /CN=kube-apiserver \
    -addext "subjectAltName=DNS:localhost,DNS:kubernetes,IP:127.0.0.1" 2>/dev/null
fi
etcd --data-dir $d/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync >/var/log/etcd.log 2>&1 &
kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --bind-address=0.0.0.0 \
  --tls-cert-file=tls.crt --tls-private-key-file=tls.key \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=sa.pub --service-account-signing-key-file=sa.key \
  --token-auth-file=tokens.csv --authorization-mode=RBAC --service-cluster-ip-range=10.96.0.0/16 \
  --disable-admission-plugins=ServiceAccount --etcd-compaction-interval=${COMPACTION_INTERVAL:-5m} >/var/log/apiserver.log 2>&1 &
api=$!
i=0
until printf 'GET /readyz HTTP/1.0\r\nAuthorization: Bearer admin-token\r\n\r\n' | openssl s_client -quiet -connect 127.0.0.1:6443 2>/dev/null | grep -q '200 OK'; do
  i=$((i + 1)); [ $i -lt 240 ] || { cat /var/log/apiserver.log; exit 1; }
  kill -0 $api 2>/dev/null || { cat /var/log/apiserver.log; exit 1; }
  sleep 0.25
done
echo "apiserver: ready"
wait $api
