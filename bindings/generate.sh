#!/usr/bin/env bash
# Writes the Java bindings (java/) and the checksums of what went in and came out.
#
#   generate.sh [FOLDER]
#
# FOLDER receives java/ and checksums.sha256; by default it is the folder of this script. The rest
# comes from the environment, a list of folders being separated by colons:
#
#   CUDNN4J_JEXTRACT       the jextract launcher
#   CUDNN4J_CUDA_INCLUDE   the folders with cuda_runtime.h, crt/host_defines.h, cuda.h, cuda_fp16.h,
#                          cublas_v2.h, nvrtc.h and nvtx3/nvToolsExt.h
#   CUDNN4J_CUDNN_INCLUDE  the folder with cudnn.h
#   CUDNN4J_NCCL_INCLUDE   the folder with nccl.h
#   CUDNN4J_LIBRARIES      optional: folders with the real libraries; every listed function is then
#                          looked up in the library it belongs to
set -euo pipefail
export LC_ALL=C

fail() {
  echo "generate.sh: $*" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:-$here}
package=io.github.cudnn4j.bindings

jextract=${CUDNN4J_JEXTRACT:?set it to the jextract launcher}
IFS=: read -ra folders <<<"${CUDNN4J_CUDA_INCLUDE:?set it to the folders of the CUDA headers}:${CUDNN4J_CUDNN_INCLUDE:?set it to the folder of cudnn.h}:${CUDNN4J_NCCL_INCLUDE:?set it to the folder of nccl.h}"

"$jextract" --version >/dev/null 2>&1 || fail "CUDNN4J_JEXTRACT=$jextract does not run"
options=()
for folder in "${folders[@]}"; do
  [[ -d $folder ]] || fail "no such folder: $folder (CUDNN4J_CUDA_INCLUDE, CUDNN4J_CUDNN_INCLUDE or CUDNN4J_NCCL_INCLUDE)"
  options+=(--include-dir "$folder")
done
for header in cuda_runtime.h crt/host_defines.h cuda.h cuda_fp16.h cublas_v2.h nvrtc.h \
  nvtx3/nvToolsExt.h cudnn.h nccl.h; do
  found=
  for folder in "${folders[@]}"; do
    [[ -f $folder/$header ]] && found=yes
  done
  [[ $found ]] || fail "$header is in none of the folders ${folders[*]}"
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

names() { # KIND FILE: the names of one kind in an include list
  sed -n "s/^--include-$1 \([A-Za-z0-9_]*\)\$/\1/p" "$2"
}

check_exports() { # LIST SONAME_PATTERN
  local library= exported missing
  IFS=: read -ra places <<<"$CUDNN4J_LIBRARIES"
  for folder in "${places[@]}"; do
    for candidate in "$folder"/$2; do
      [[ -e $candidate ]] && library=$candidate
    done
  done
  if [[ -z $library ]]; then
    echo "exports of $2: not checked, it is in none of CUDNN4J_LIBRARIES"
    return
  fi
  exported=$(nm --dynamic --defined-only "$library" | sed 's/.* //; s/@.*//' | sort -u)
  missing=$(comm -23 <(names function "$here/includes/$1.txt" | sort -u) <(echo "$exported"))
  [[ -z $missing ]] || fail "$library does not export" $missing
  echo "exports of $2: all $(names function "$here/includes/$1.txt" | wc -l) functions are there"
}

lists=()

generate() { # LIST CLASS
  local list=$here/includes/$1.txt
  lists+=("$list")
  local source=$scratch/java/${package//.//}/$2.java
  local repeated
  repeated=$(grep '^--' "$list" | sort | uniq -d)
  [[ -z $repeated ]] || fail "includes/$1.txt repeats" $repeated
  "$jextract" "${options[@]}" @"$list" \
    --target-package "$package" --header-class-name "$2" --symbols-class-name NativeTypes \
    --output "$scratch/java" "$here/headers.h"
  # jextract passes over a name that it does not find.
  for name in $(names function "$list"); do
    grep -q "findOrThrow(\"$name\")" "$source" || fail "includes/$1.txt: no function $name"
  done
  for name in $(names constant "$list"); do
    grep -q " $name()" "$source" || fail "includes/$1.txt: no constant $name"
  done
}

generate cudart Cudart
generate cuda CudaDriver
generate cublas Cublas
generate nvrtc Nvrtc
generate cudnn Cudnn
generate nccl Nccl
generate nvtx Nvtx
generate host HostDevice
# Writes no Java, only which header declares what was listed.
"$jextract" "${options[@]}" "${lists[@]/#/@}" --dump-includes "$scratch/used" "$here/headers.h"

for text in /usr/ "${folders[@]}" "$here" Copyright 'NVIDIA Corporation'; do
  ! grep -rFl -- "$text" "$scratch/java" || fail "the output contains '$text'"
done

if [[ -n ${CUDNN4J_LIBRARIES:-} ]]; then
  check_exports cudart 'libcudart.so.1[23]'
  check_exports cuda 'libcuda.so*'
  check_exports cublas 'libcublas.so.1[23]'
  check_exports nvrtc 'libnvrtc.so.1[23]'
  check_exports cudnn 'libcudnn.so.9'
  check_exports nccl 'libnccl.so.2'
  check_exports nvtx 'libnvtx3interop.so.1'
fi

mkdir -p "$target"
rm -rf "$target/java"
cp -r "$scratch/java" "$target/java"
{
  cd "$here"
  sha256sum ../native/abi/host_device.h generate.sh headers.h includes/*.txt
  # The vendors' headers that declare what was taken; they are not part of the repository.
  sed -n 's/^#### Extracted from: //p' "$scratch/used" | sort -u | grep -v '/host_device\.h$' |
    while read -r header; do
      sha256sum <"$header" | sed "s|-\$|vendor/$(basename "$header")|"
    done | sort -k 2
  cd "$target"
  find java -type f | sort | xargs sha256sum
} >"$scratch/checksums.sha256"
cp "$scratch/checksums.sha256" "$target/checksums.sha256"
echo "$(grep -c ' java/' "$target/checksums.sha256") files in $target/java"
