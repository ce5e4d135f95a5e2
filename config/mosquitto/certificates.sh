#!/bin/sh
# Certificates for a broker, its devices and its desks, from an authority of your own, made with openssl.
#
#   sh certificates.sh ca                       once: ca.key and ca.crt
#   sh certificates.sh broker broker.lan        the name or address that devices connect to
#   sh certificates.sh client pier-7            a device: its name is its device id
#   sh certificates.sh client desk              a program that listens: its name stands in the access list
#   sh certificates.sh revoke pier-7            a device that was lost or stolen; writes revoked.crl
#
# Everything is written to the folder it is run in. ca.key signs whoever you like as whatever you like: keep it off
# the broker and off the network. Nothing that exists is overwritten.
set -eu
umask 077

refuse() {
    echo "certificates.sh: $1" >&2
    exit 2
}

new_key() { # FILE
    [ ! -e "$1" ] || refuse "$1: expected no such file, got one; remove it by hand"
    openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

make_ca() {
    new_key ca.key
    openssl req -x509 -new -key ca.key -sha256 -days 7300 -subj "/CN=edge authority" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.crt
}

sign() { # NAME DAYS EXTENSION...
    name=$1 days=$2
    shift 2
    [ -e ca.key ] || refuse "ca.key: expected it in this folder; make it with: sh certificates.sh ca"
    new_key "$name.key"
    printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" "$@" >"$name.ext"
    openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" -sha256 \
        -days "$days" -extfile "$name.ext" -out "$name.crt" 2>/dev/null
    rm "$name.csr" "$name.ext"
    chmod 644 "$name.crt"
    echo "$name.crt $name.key"
}

announce() { # NAME: as Home Assistant writes it, where that is another
    plain=$(printf '%s' "$1" | LC_ALL=C tr -c 'a-zA-Z0-9_-' '_')
    [ "$plain" != "$1" ] || return 0
    printf '%s\n' "" "user $1" "topic write homeassistant/device/edge_$plain/config" >"$1.acl"
    echo "$1.acl: if it is a device that Home Assistant is to find, append this to the broker's acl" >&2
}

revoke() { # NAME
    printf '%s\n' "[ca]" "default_ca=edge" "[edge]" "database=revoked.txt" "default_md=sha256" \
        "default_crl_days=3650" >revoked.cnf
    touch revoked.txt
    openssl ca -config revoked.cnf -keyfile ca.key -cert ca.crt -revoke "$1.crt"
    openssl ca -config revoked.cnf -keyfile ca.key -cert ca.crt -gencrl -out revoked.crl
    rm -f revoked.cnf
}

command -v openssl >/dev/null || refuse "openssl is not installed (Debian: openssl)"
case "${1-} ${2-}" in
*/*|*[+#]*) refuse "a name: expected letters, digits, dots, dashes and underscores, got ${2-}" ;;
"ca ") make_ca ;;
"broker "?*)
    case $2 in
    *[!0-9.:]*) sign "$2" 3650 "extendedKeyUsage=serverAuth" "subjectAltName=DNS:$2" ;;
    *) sign "$2" 3650 "extendedKeyUsage=serverAuth" "subjectAltName=IP:$2" ;;
    esac
    ;;
"client "?*)
    sign "$2" 3650 "extendedKeyUsage=clientAuth"
    announce "$2"
    ;;
"revoke "?*) revoke "$2" ;;
*) refuse "expected ca, broker NAME, client NAME or revoke NAME, got ${1-nothing} ${2-}" ;;
esac
