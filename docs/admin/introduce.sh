#!/usr/bin/env bash
# introduce.sh DATA HOST:PORT OTHER-DATA OTHER-HOST:PORT
#
# Gives each of two running Shoals a collection `news`, and lets the account `owner` of each follow the other's. It may be
# run again. Needs the data folders (to make tokens beside the servers) and nothing but bash and the shoal program.
set -euo pipefail
shopt -s inherit_errexit

# call METHOD HOST:PORT PATH TOKEN JSON: prints the status of the answer and the body of an error.
call() {
    local host=${2%:*} port=${2##*:} answer
    exec 3<>"/dev/tcp/$host/$port"
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$3" "$2" "$4" "${#5}" "$5" >&3
    answer=$(tr -d '\r' <&3)
    exec 3>&-
    case $answer in
        HTTP/1.?\ 2*) ;;
        # Made by an earlier run.
        HTTP/1.?\ 409*) ;;
        *) printf 'introduce: %s %s%s answered:\n%s\n' "$1" "$2" "$3" "$answer" >&2; return 1 ;;
    esac
}

# prepare DATA HOST:PORT: makes the collection and prints a token of the owner.
prepare() {
    local token
    token=$(shoal token create owner --label introduction --scope submit --data "$1")
    call POST "$2" /api/v1/collections "$token" "{\"name\": \"news\", \"title\": \"News of $2\", \"summary\": \"\"}"
    printf '%s' "$token"
}

one=$(prepare "$1" "$2")
two=$(prepare "$3" "$4")
call POST "$2" /api/v1/following "$one" "{\"actor\": \"http://$4/collections/news\"}"
call POST "$4" /api/v1/following "$two" "{\"actor\": \"http://$2/collections/news\"}"
echo "$2 and $4 follow each other's collection news."
