#!/bin/sh
# What a client may write while it is read is read once, by an atomic load, in libipc: no other word of the rings' memory is looked at.
# Given: the source tree.
#   libipc/ring.c, wake.c   entries and the other side's words only within an atomic load or store, or the three that copy a slot
#   daemon                  knows no word of a client's by name, hands its control block to the rings and to wake_client() alone, and lets
#                           nobody but the channel, which makes rings and arenas of it, have the region
set -eu
cd "$1"
status=0
# none TEXT COMMAND…: the lines that it prints are wrong.
none() {
    text=$1
    shift
    found=$("$@" || true)
    [ -z "$found" ] || { printf '%s:\n%s\n' "$text" "$found"; status=1; }
}
code() { grep -rnE "$1" --include='*.[ch]' "$2" | grep -vE ':[0-9]+: *(/?\*|//)'; }
plain() { code "$1" "$2" | grep -vE "$3"; }

none "an entry is touched without slot_publish(), slot_ready(), slot_copy() or an atomic load" \
    plain 'slots\[' libipc/ring.c 'slot_(publish|ready|copy)\(.*slots\[|__atomic_load_n\(&[a-z>-]*slots\['
none "a head is touched without an atomic load or store" \
    plain '[*][a-z]+->head|cq_head|sq_head' libipc/ring.c '\.head = &(ours|theirs)->[cs]q_head,'
none "a word of the client's is touched without an atomic load or store" plain '(client|daemon)->[a-z]' libipc/wake.c \
    '__atomic_(load|store)_n\(&(client|daemon)->[a-z_]+|futex_(wait|wake)\(&daemon->cq_futex'
none "the daemon knows a word of a client's by name" code '\bcq_(head|wait)\b|\b(intake|finish)(\.|->)(slots|head)\b' daemon
none "the control block of a client goes where it is not attached or woken" plain 'channel->client\b' daemon \
    'channel->client = |wake_client\(channel->client,|ring_(attach|resume)_daemon\(.*channel->client,'
none "the region of a client is used beside the channel that maps it" plain 'memory(\.|->)request\.address' daemon '^daemon/shard/channel\.c:'

# A check that finds nothing to look at is none.
[ "$(grep -c 'slots\[' libipc/ring.c)" -ge 8 ] || { echo "libipc/ring.c has too few entries to look at"; status=1; }
grep -q 'wake_client(channel->client,' -r daemon || { echo "nobody wakes a client"; status=1; }
exit $status
