#!/usr/bin/env bash
# Two ranks in network namespaces of their own, as on two machines joined by a cable, which is slow,
# or is cut, or one rank of which stands still or is killed:
#
#     mvn -q -B -ntp -DskipTests package && src/test/network/ranks.sh
#
# Needs root, ip and tc. What ends early must end within LIMIT seconds with a message and a status
# other than 0; what is resumed, or was only slow, must come to the weights of one process alone.
set -euo pipefail
cd "$(dirname "$0")/../../.."
limit=${LIMIT:-30}
command=${COMMAND:-java -jar target/cudnn4j-cli.jar}
work=$(mktemp -d)
tag=c4j$$
ranks=()
finish() {
  kill -9 "${ranks[@]}" 2>/dev/null || true
  ip netns delete $tag-0 2>/dev/null || true
  ip netns delete $tag-1 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

for r in 0 1; do ip netns add $tag-$r; done
ip -n $tag-0 link add cable type veth peer name cable netns $tag-1
for r in 0 1; do
  ip -n $tag-$r address add 10.77.0.$((r + 1))/24 dev cable
  ip -n $tag-$r link set lo up
  ip -n $tag-$r link set cable up
done

export CUDNN4J_DEVICE=host
for _ in $(seq 400); do echo "the quick brown fox jumps over the lazy dog"; done > "$work/text"

training() {
  echo "$command" train --text "$work/text" --hidden 32 --dropout 0.1 --batch 8 --steps 16 \
    --epochs 20 --log-every 1 --deterministic "$@"
}
start() { # whatever is to be added to the command
  ranks=()
  for r in 0 1; do
    RANK=$r WORLD_SIZE=2 ip netns exec $tag-$r $(training --checkpoint "$work/model" --checkpoint-every 10 "$@") \
      > "$work/out$r" 2> "$work/err$r" &
    ranks+=($!)
  done
}
trained() { # until there is something to resume
  until ls -d "$work"/model/step-* > /dev/null 2>&1; do sleep 0.05; kill -0 "${ranks[0]}"; done
}
ended() { # the rank: its status, or "goes on" after the limit
  local since=$SECONDS
  while kill -0 "${ranks[$1]}" 2>/dev/null; do
    if ((SECONDS - since > limit)); then echo "FAILED: rank $1 goes on after $limit s"; exit 1; fi
    sleep 0.1
  done
  wait "${ranks[$1]}" && status=0 || status=$?
}
same() { # what was done
  for r in 0 1; do wait "${ranks[$r]}" || { cat "$work/err$r"; exit 1; }; done
  local hash
  hash=$(grep -o '"weightsSha256":"[0-9a-f]*"' "$work/out0")
  [ "$hash" = "$alone" ] || { echo "FAILED: $1: $hash, alone $alone"; exit 1; }
  echo "$1: the weights of one process"
}
lost() { # what was done, and to which ranks there is still something to be asked
  local what=$1 since=$SECONDS r
  shift
  for r in "$@"; do
    ended "$r"
    if [ $status = 0 ] || [ ! -s "$work/err$r" ]; then echo "FAILED: $what: rank $r ends with $status"; exit 1; fi
    echo "$what: rank $r ends with $status after $((SECONDS - since)) s: $(tail -1 "$work/err$r")"
  done
}

alone=$($(training) | grep -o '"weightsSha256":"[0-9a-f]*"')
export CUDNN4J_TOKEN MASTER_ADDR=10.77.0.1 NCCL_SOCKET_IFNAME=cable
CUDNN4J_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

start
same "two machines"
rm -rf "$work/model"

if tc -n $tag-0 qdisc add dev cable root netem delay 5ms 2>/dev/null; then
  start
  same "a slow cable"
  tc -n $tag-0 qdisc delete dev cable root
  rm -rf "$work/model"
else
  echo "a slow cable: left out, this kernel has no netem"
fi

start
trained
if grep -s memfd:cudnn4j /proc/"${ranks[0]}"/maps; then echo "FAILED: memory is shared between machines"; exit 1; fi
kill -STOP "${ranks[1]}"
sleep 5
kill -CONT "${ranks[1]}"
same "a rank that stands still for 5 s"
rm -rf "$work/model"

start
trained
ip -n $tag-0 link set cable down
lost "a cut cable" 0 1
ip -n $tag-0 link set cable up
start --resume
same "a cut cable, resumed"
rm -rf "$work/model"

start
trained
kill -9 "${ranks[1]}"
lost "a killed rank" 0
start --resume
same "a killed rank, resumed"
