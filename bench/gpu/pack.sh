#!/usr/bin/env bash
# Packs what run.sh needs on a GPU machine without Java into one folder.
set -euo pipefail

usage="usage: $0 [--text FILE] [--include FOLDER]... [KIT]
  KIT        the folder, new or an earlier kit; default target/gpu-kit
  --text     what the d2l table is trained on, best The Time Machine; default the build's own text
  --include  where NVIDIA's headers are, for the C program that cudnn4j is compared with; also
             looked for in CUDA_PATH, /usr/local/cuda and the packages of python3"
limit_mib=60
root=$(cd "$(dirname "$0")/../.." && pwd)
text=$root/target/text/english.txt
includes=("${CUDA_PATH:-/usr/local/cuda}/include" /usr/include /usr/include/x86_64-linux-gnu)
kit=$root/target/gpu-kit
while (($#)); do
  case $1 in
    --text) text=$(realpath "$2") && shift ;;
    --include) includes=("$(realpath "$2")" "${includes[@]}") && shift ;;
    -*) printf '%s\n' "$usage" >&2 && exit 2 ;;
    *) kit=$(realpath -m "$1") ;;
  esac
  shift
done
if [[ -n $(ls -A "$kit" 2> /dev/null) && ! -f $kit/version.txt ]]; then
  echo "$kit is neither empty nor a kit: name another folder" >&2
  exit 2
fi
rm -rf "$kit"

cd "$root"
mvn -q -B -ntp -Pgpu-kit package -DskipTests -Djavadoc.skip=true -Dmaven.source.skip \
  -Dkit.directory="$kit"
strip --strip-unneeded "$kit"/jdk/lib/*.so "$kit"/jdk/lib/server/*.so
# Java's classes as they are in memory, so that each of many processes starts sooner.
"$kit/jdk/bin/java" -Xshare:dump > "$root/target/share.txt" 2>&1
gzip -9n "$kit"/jdk/lib/server/{libjvm.so,classes.jsa}
cp target/cudnn4j-*-SNAPSHOT.jar "$kit/lib"
cp -r target/test-classes "$kit/tests"
cp bench/gpu/run.sh bench/gpu/README.md src/main/resources/META-INF/LICENSE "$kit"
mkdir "$kit/peers"
cp bench/peers/*.py bench/peers/*.c src/main/resources/io/github/cudnn4j/cli/peaks.tsv "$kit/peers"
head -c 100000 "$text" > "$kit/text.txt"
echo "cudnn4j $(git describe --always --dirty), packed $(date -u +%FT%TZ)" > "$kit/version.txt"

# The C program opens the libraries when it runs, so one does for every CUDA.
packages=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))' 2> /dev/null || true)
for folder in "$packages"/nvidia/*/include; do
  [[ ! -d $folder ]] || includes+=("$folder")
done
if ! cc -O2 "${includes[@]/#/-I}" -o "$kit/cudnn_peer" bench/peers/cudnn_peer.c -ldl -lm \
  2> "$root/target/cudnn_peer.txt"; then
  echo "No C program: it does not compile here (target/cudnn_peer.txt), run.sh will try there." >&2
fi

bytes=$({ find "$kit" -type f -print0; git ls-files -z; } | xargs -0 cat | wc -c)
mib=$(((bytes + 1048575) / 1048576))
echo "$kit: with the tracked files $mib MiB, limit $limit_mib MiB"
((mib <= limit_mib))
