#!/usr/bin/env bash
# Makes sure that the servers which tests start are installed: PostgreSQL, Kamailio with sipp, and OpenFGA, which is built from its module into a
# cache (hack/openfga.sh). It does nothing where they are.
#
# As root on Debian or Ubuntu it installs the packages that are missing with apt-get, without recommended ones and without
# starting a service: tests start servers of their own, on 127.0.0.1 and in temporary folders. Elsewhere, and without root, it
# prints which packages are wanted and ends with 1. Progress goes to stderr.
#
#   ROLLCALL_TEST_SERVERS   names of the servers to look at (default: postgresql kamailio openfga)
set -euo pipefail

servers=${ROLLCALL_TEST_SERVERS:-postgresql kamailio openfga}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

log() { echo "test-servers: $*" >&2; }

# there SERVER: whether its programs are installed. Debian has those of PostgreSQL in a folder for each version.
there() {
	case $1 in
	postgresql)
		{ command -v initdb && command -v postgres; } >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
		;;
	kamailio)
		{ command -v kamailio && command -v sipp && compgen -G '/usr/lib/*/kamailio/modules/db_postgres.so'; } >/dev/null
		;;
	openfga) "$here/openfga.sh" >/dev/null || exit 1 ;; # builds it if need be
	*)
		log "there is no server named $1"
		exit 1
		;;
	esac
}

# packages SERVER: those of Debian and Ubuntu.
packages() {
	case $1 in
	postgresql) echo postgresql ;;
	kamailio) echo kamailio kamailio-postgres-modules sip-tester ;;
	esac
}

wanted=()
for server in $servers; do
	if ! there "$server"; then
		for package in $(packages "$server"); do wanted+=("$package"); done
	fi
done
if [ ${#wanted[@]} -eq 0 ]; then exit 0; fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	log "tests start servers that are not installed here. Wanted, by the names of Debian and Ubuntu: ${wanted[*]}"
	log "as root there: apt-get install -y --no-install-recommends ${wanted[*]}"
	log "elsewhere: a server of the same name, with its programs (initdb and postgres for PostgreSQL 14 or later; kamailio 5.6 and sipp) on the PATH"
	exit 1
fi

# invoke-rc.d asks this file whether a service may be started: 101 forbids it. One that is there already stays as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi

install() { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}" >&2; }

log "installing ${wanted[*]}"
# Lists of packages that are old name files which are gone: they are read anew where installing fails.
if ! install; then
	log "reading the lists of packages anew"
	apt-get update >&2
	install
fi
for server in $servers; do
	there "$server" || {
		log "$server was installed, and its programs are not found"
		exit 1
	}
done
