#!/usr/bin/env bash
# Packs what run.sh needs on a GPU machine without Java into one folder, target/gpu-kit by default.
set -euo pipefail

limit_mib=60
root=$(cd "$(dirname "$0")/../.." && pwd)
kit=$(realpath -m "${1:-$root/target/gpu-kit}")
if [[ -n $(ls -A "$kit" 2> /dev/null) && ! -f $kit/version.txt ]]; then
  echo "$kit is neither empty nor a kit: name another folder" >&2
  exit 2
fi
rm -rf "$kit"

cd "$root"
mvn -q -B -ntp -Pgpu-kit package -DskipTests -Dmaven.javadoc.skip -Dmaven.source.skip \
  -Dkit.directory="$kit"
strip --strip-unneeded "$kit"/jdk/lib/*.so "$kit"/jdk/lib/server/*.so
cp target/cudnn4j-*-SNAPSHOT.jar "$kit/lib"
cp -r target/test-classes "$kit/tests"
cp bench/gpu/run.sh bench/gpu/README.md src/main/resources/META-INF/LICENSE "$kit"
echo "cudnn4j $(git describe --always --dirty), packed $(date -u +%FT%TZ)" > "$kit/version.txt"

bytes=$(du -s --apparent-size --block-size=1 "$kit" | cut -f1)
mib=$(((bytes + 1048575) / 1048576))
echo "$kit: $mib MiB, limit $limit_mib MiB"
((mib <= limit_mib))
