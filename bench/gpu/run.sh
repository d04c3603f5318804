#!/usr/bin/env bash
# Runs everything on this machine's GPU in nine minutes, the most important first. Needs bash 4.3
# and coreutils, no Java; the comparison needs Python 3.9.
set -uo pipefail

usage="usage: $0 [OPTION...] RESULTS
  RESULTS      folder for what comes out; must be new or empty
  --device     cuda (default), or host to try the kit without a GPU
  --host-path  with --device host: the folder that holds libcudnn4j_host.so
  --python     that runs the comparison, best one with PyTorch; default python3
  --seconds    for everything together, default 530
  --jobs       test classes that run at a time; default half of the processors, at most 8, and one
               for every 2 GiB of free GPU memory
  --only       comma-separated parts of doctor,tests,probe,peers,d2l,sweep; default all"
refuse() {
  printf '%s\n%s\n' "$1" "$usage" >&2
  exit 2
}

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 403)) || refuse "bash 4.3 is needed, this is $BASH_VERSION"

device=cuda
host_path=
python=python3
seconds=530
jobs=
parts=doctor,tests,probe,peers,d2l,sweep
only=$parts
results=
while (($#)); do
  case $1 in
    --device | --host-path | --python | --seconds | --jobs | --only)
      (($# > 1)) || refuse "$1 needs a value"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      shift
      ;;
    -h | --help) printf '%s\n' "$usage" && exit ;;
    -*) refuse "unknown option $1" ;;
    *) results=$1 ;;
  esac
  shift
done
[[ -n $results ]] || refuse "RESULTS is missing"
[[ $device == cuda || $device == host ]] || refuse "--device is cuda or host, not $device"
[[ $device == cuda || -f $host_path/libcudnn4j_host.so ]] ||
  refuse "--host-path: there is no libcudnn4j_host.so in '$host_path'"
[[ $seconds =~ ^[1-9][0-9]*$ ]] || refuse "--seconds is not a number: $seconds"
[[ ! $jobs || $jobs =~ ^[1-9][0-9]*$ ]] || refuse "--jobs is not a number: $jobs"
for part in ${only//,/ }; do
  [[ ,$parts, == *,$part,* ]] || refuse "--only: there is no part $part"
done
if ! mkdir -p "$results" || [[ -n $(ls -A "$results") ]]; then
  refuse "$results is not an empty folder"
fi

kit=$(cd "$(dirname "$0")" && pwd)
results=$(cd "$results" && pwd)
logs=$results/logs
mkdir "$logs"
# Not every way of copying a folder keeps what may be executed.
[[ -x $kit/jdk/bin/java && -x $kit/jdk/lib/jspawnhelper ]] ||
  chmod +x "$kit"/jdk/bin/* "$kit/jdk/lib/jspawnhelper" "$kit/cudnn_peer" 2> /dev/null
java=("$kit/jdk/bin/java" --enable-native-access=ALL-UNNAMED "-Dcudnn4j.device=$device"
  "-Dcudnn4j.algorithms.path=$logs/algorithms.json" # of this run, not the user's
  -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 "-XX:ErrorFile=$logs/crash-%p.log"
  -cp "$kit/lib/*:$kit/tests")
if [[ $device == host ]]; then
  host_path=$(cd "$host_path" && pwd)
  java+=("-Dcudnn4j.host.path=$host_path")
fi
if [[ $python == */* ]]; then
  python=$(realpath -s "$python")
  PATH=$(dirname "$python"):$PATH
fi
unset LC_ALL
export LC_NUMERIC=C # 1.5 is a number to printf
export PATH PYTHONIOENCODING=UTF-8 PYTHONDONTWRITEBYTECODE=1
cd "$kit" || exit 2
ulimit -c 0 # a process that is aborted may hold gigabytes

# Ends a command that hangs: within SECONDS COMMAND...
within() { timeout --kill-after=5 "$@"; }

# The libraries of PyTorch's packages come first, so that all that is compared uses the same; Python
# knows where they are.
wheels() {
  PYTHONPATH=$kit/peers within 20 "$python" -c 'import gpu, sys; print(gpu.wheels(sys.executable))'
}
if [[ $device == cuda ]]; then
  folders=$(wheels 2> /dev/null)
  [[ ! $folders ]] ||
    export CUDNN4J_CUDA_PATH=${CUDNN4J_CUDA_PATH-$folders} \
      CUDNN4J_CUDNN_PATH=${CUDNN4J_CUDNN_PATH-$folders}
fi

# How many processes may share the processors, and the GPU.
default_jobs() {
  local count=$(($(nproc) / 2)) mode free
  IFS=', ' read -r mode free _ < <(within 20 nvidia-smi --format=csv,noheader,nounits \
    --query-gpu=compute_mode,memory.free 2> /dev/null)
  if [[ $device == cuda && $free =~ ^[0-9]+$ ]]; then
    count=$((count < free / 2048 ? count : free / 2048))
    [[ $mode == Default ]] || count=1
  fi
  echo $((count < 1 ? 1 : count > 8 ? 8 : count))
}

# What the parts ran on.
environment() {
  date -u +%FT%TZ
  cat "$kit/version.txt"
  within 10 "${java[@]}" -version
  uname -srm
  getconf GNU_LIBC_VERSION
  cat /etc/os-release
  printf '\n== processors\n%d\n' "$(nproc)"
  sed '/^$/q' /proc/cpuinfo
  grep -E '^(MemTotal|MemAvailable)' /proc/meminfo
  df -h "$results" /tmp
  printf '\n== driver\n'
  cat /proc/driver/nvidia/version
  within 10 nvidia-smi
  within 10 nvidia-smi -q
  printf '\n== libraries known to the loader\n'
  PATH=$PATH:/sbin within 10 ldconfig -p | grep -E 'lib(cuda|cudart|cublas|cublasLt|cudnn|nvrtc)[.-]'
  printf '\n== Python\n'
  command -v "$python"
  within 10 "$python" --version
  within 20 "$python" -m pip list
  printf '\n== compilers\n'
  within 10 cc --version
  within 10 nvcc --version
  printf '\n== variables\n'
  env | grep -E '^(PATH|LANG|LC_ALL|LD_|CUDA|CUDNN|NVIDIA|PYTHON|VIRTUAL_ENV|CONDA|OMP|JAVA)'
}

# Which libraries are found, which are refused, and why.
doctor() { within "$1" "${java[@]}" io.github.cudnn4j.cli.Main doctor --device "$device"; }

# The classes that are tests, those first that say most about a GPU.
test_classes() {
  local class
  shopt -s globstar nullglob
  for class in tests/io/github/cudnn4j/{rnn,cudnn,cuda,proof,train,tape,model,host}/*Test.class \
    tests/**/*Test.class; do
    class=${class#tests/}
    class=${class%.class}
    [[ $class == *_jmhTest ]] || printf '%s\n' "${class//\//.}"
  done | awk '!seen[$0]++'
}

# One JVM for each class: a native library can abort the process, and the rest must still run.
test_class() {
  local folder=$logs/tests/$1 status outcome
  mkdir -p "$folder"
  within "$2" "${java[@]}" -XX:+UseSerialGC org.junit.platform.console.ConsoleLauncher execute \
    --disable-banner --disable-ansi-colors \
    --select-class="$1" --reports-dir="$folder" > "$folder/output.txt" 2>&1
  status=$?
  case $status in
    0) outcome=ok ;;
    1) outcome=FAILED ;;
    124 | 137) outcome="STOPPED after $2 s" ;;
    *) outcome="BROKEN, exit status $status" ;;
  esac
  if counts "$folder"; then
    # A class without tests is a base of others.
    ((status != 0 || tests > 0)) || return 0
    outcome+=", $tests tests, $skipped skipped, $((failures + errors)) failed, $time s"
  fi
  printf '%s\n' "$outcome" > "$folder/outcome"
  # In one piece, because several write.
  printf '%s\n' "$1: $outcome$(failures "$folder/output.txt")"
}

# Sets tests, skipped, failures, errors and time to what a class's report says.
counts() {
  local line name
  [[ -f $1/TEST-junit-jupiter.xml ]] || return 1
  { read -r && read -r line; } < "$1/TEST-junit-jupiter.xml"
  for name in tests skipped failures errors time; do
    [[ $line =~ \ $name=\"([0-9.]+)\" ]] || return 1
    printf -v "$name" %s "${BASH_REMATCH[1]}"
  done
}

# The first tests that failed, and what they said.
failures() {
  sed -nE '/^Failures \(/,$ { s/^  JUnit Jupiter:/    /p; s/^    (=> .{1,300}).*/      \1/p }' "$1" |
    head -n 20 | sed '1s/^/\n/'
}

tests() {
  local end=$((SECONDS + $1)) class folder left bad=0 not_run=()
  local run=0 failed=0 left_out=0 tests skipped failures errors time
  local classes
  mapfile -t classes < <(test_classes)
  for class in "${classes[@]}"; do
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    left=$((end - SECONDS))
    if ((left > 20)); then
      test_class "$class" $((left < 120 ? left - 5 : 120)) &
    else
      not_run+=("$class")
    fi
  done
  wait
  for class in "${classes[@]}"; do
    folder=$logs/tests/$class
    if [[ -f $folder/outcome ]]; then
      [[ $(< "$folder/outcome") == ok* ]] || ((bad += 1))
      counts "$folder" && ((run += tests, failed += failures + errors, left_out += skipped))
    fi
  done
  ((${#not_run[@]} == 0)) || printf '%s: NOT RUN, the time was up\n' "${not_run[@]}"
  printf 'Tests run: %d, Failures and errors: %d, Skipped: %d, Classes not ok: %d, not run: %d\n' \
    "$run" "$failed" "$left_out" "$bad" "${#not_run[@]}"
  ((bad == 0)) || return 1
  ((${#not_run[@]} == 0)) || return 124
  ((run > left_out))
}

# What cuDNN's documentation leaves open, beside what the host device does.
probe() {
  within "$1" "${java[@]}" io.github.cudnn4j.host.DeviceProbe --seconds $(($1 - 10)) \
    --json "$results/probe.json"
}

# A whole training step and DeepBench's networks: ours, a C program's, PyTorch's.
peers() {
  if ! within 20 "$python" -c '' 2> /dev/null; then
    echo "not run: there is no $python"
    return 3
  fi
  within 20 "$python" peers/compare.py --help > /dev/null || return 3 # it is too old, which it says
  local end=$((SECONDS + $1)) first
  local options=(--device "$device" --python "$(command -v "$python")" --java "$kit/jdk/bin/java"
    --classpath "$kit/lib/*:$kit/tests" --work "$logs/peers" --seconds 0.25 --rounds 5)
  local networks=deepbench
  if [[ $device == cuda ]]; then
    options+=(--peers c,torch,torch-graph)
    # Reading PyTorch from a disk for the first time takes longer than all that is measured.
    within $(($1 < 80 ? $1 / 2 : 40)) "$python" -c 'import torch; torch.zeros(1).cuda()' 2> /dev/null
  else
    options+=(--peers c,torch --host-path "$host_path" --threads "$(nproc)")
    networks=shapes
  fi
  # Compiled where the kit was packed; if it does not start here, it is compiled here.
  if [[ $("$kit/cudnn_peer" < /dev/null 2> /dev/null) == "= "* ]]; then
    options+=(--c-program "$kit/cudnn_peer")
  fi
  compare "$(((end - SECONDS) / 2))" d2l --set d2l
  first=$?
  compare "$((end - SECONDS))" networks --set "$networks" && return "$first"
}
# compare SECONDS NAME OPTION...: with the other options of the function above
compare() {
  within "$1" "$python" peers/compare.py "${options[@]}" "${@:3}" \
    --limit $(($1 - 15 * seconds / 530)) --out "$results/peers-$2"
}

# The character models of d2l.ai, from the command line to the perplexity.
d2l() {
  local end=$((SECONDS + $1)) epochs=500 cell precision line left status=0 late=0
  [[ $device == cuda ]] || epochs=20
  printf '| cell | precision | training perplexity | tokens/s | seconds |\n|---|---|---|---|---|\n'
  for precision in FP32 TF32 BF16; do
    for cell in lstm gru tanh; do
      left=$((end - SECONDS))
      if ((left < 8)); then
        printf '| %s | %s | not run, the time was up | | |\n' "$cell" "$precision"
        late=1
        continue
      fi
      line=$(within "$left" "${java[@]}" io.github.cudnn4j.cli.Main train --device "$device" \
        --text "$kit/text.txt" --letters-only --cell "$cell" --hidden 256 --one-hot --batch 32 \
        --steps 35 --tokens 10000 --epochs "$epochs" --optimizer sgd --lr 1 --clip-norm 1 \
        --precision "$precision" 2>> "$logs/d2l.txt" | tee -a "$logs/d2l.txt" | tail -n 1)
      if [[ $line == '{'* ]]; then
        printf '%s\n' "$line" >> "$results/d2l.jsonl"
        printf '| %s | %s | %.3f | %.0f | %.1f |\n' "$cell" "$precision" \
          "$(field perplexity "$line")" "$(field tokensPerSecond "$line")" \
          "$(field seconds "$line")"
      elif ((SECONDS >= end)); then
        printf '| %s | %s | not finished, the time was up | | |\n' "$cell" "$precision"
        late=1
      else
        printf '| %s | %s | FAILED, see logs/d2l.txt | | |\n' "$cell" "$precision"
        status=1
      fi
    done
  done
  ((status == 1 || late == 0)) || return 124
  return "$status"
}
# field NAME JSON: a number
field() { sed -E "s/.*\"$1\":([-+.0-9eE]+).*/\\1/" <<< "$2"; }

# Every algorithm in FP32, TF32, BF16 and FP16.
sweep() {
  local options=(--preset d2l,deepbench --precision FP32,TF32,BF16,FP16 --repeat 5)
  [[ $device == cuda ]] || options=(--preset d2l --repeat 5)
  within "$1" "${java[@]}" io.github.cudnn4j.cli.Main bench --device "$device" "${options[@]}" \
    --time-limit $(($1 - 15)) --json "$results/sweep.json" 2> "$logs/sweep.txt"
}

rows=()
failed=0
outcome=
# part NAME SECONDS: runs the function of that name for so many of the 530 seconds at most, or, if
# they are not positive, until no more than that are left
part() {
  local name=$1 limit=$(($2 * seconds / 530)) left=$((seconds - SECONDS)) start=$SECONDS
  ((limit > 0)) || limit=$((left + limit))
  [[ ,$only, == *,$name,* ]] || return 0
  limit=$((limit < 20 ? 20 : limit))
  limit=$((limit < left ? limit : left))
  if ((limit < 20)); then
    outcome="not begun, the time was up"
    failed=1
  else
    printf '\n== %s, at most %d s\n' "$name" "$limit"
    "$name" "$limit" 2>&1 | tee "$results/$name.txt"
    case ${PIPESTATUS[0]} in
      0) outcome=ok ;;
      3) outcome="not run" failed=1 ;;
      124) outcome="STOPPED after $limit s" failed=1 ;;
      137) outcome=KILLED failed=1 ;;
      *) outcome=FAILED failed=1 ;;
    esac
  fi
  rows+=("| $name | $outcome | $((SECONDS - start)) |")
  summary > "$results/summary.md"
}

# By peer, of a table of the comparison: how many ratios, how many are left out because what was
# computed differs, the geometric mean and the least of the others.
ratios() {
  awk -F' *[|] *' '
    NF > 10 && $8 != "" && $10 + 0 > 0 {
      peer = $8
      sub(/ .*/, "", peer)
      n[peer] += 0
      if ($8 ~ /[(]differs: /) {
        differ[peer]++
        next
      }
      n[peer]++
      logs[peer] += log($10)
      if (!(peer in least) || $10 < least[peer]) least[peer] = $10
    }
    END {
      for (peer in n) {
        printf "| %s | %d | %d |", peer, n[peer], differ[peer]
        if (n[peer]) printf " %.2f | %.2f |\n", exp(logs[peer] / n[peer]), least[peer]
        else print " | |"
      }
    }' "$1" | sort
}

# What there is so far, after each part: the machine may be taken away.
summary() {
  local table
  printf '# cudnn4j: %s\n\n' "$(sed -n 's/^ *0  \(.*\), compute capability.*/\1/p' \
    "$results/doctor.txt" 2> /dev/null | head -n 1)"
  cat "$kit/version.txt"
  printf 'run %s, %d s\n' "$(date -u +%FT%TZ)" "$SECONDS"
  printf '\n| part | outcome | seconds |\n|---|---|---|\n'
  printf '%s\n' "${rows[@]}"
  if [[ -f $results/tests.txt ]]; then
    printf '\n## Tests\n\n'
    awk '/: (FAILED|STOPPED|BROKEN)/ { print "- " $0; bad = 1; next }
      /^ / { if (bad) print; next }
      { bad = 0 }' "$results/tests.txt"
    printf '\n'
    grep '^Tests run' "$results/tests.txt"
  fi
  if [[ -f $results/probe.txt ]]; then
    printf '\n## Otherwise than on the host device\n\n'
    grep -B1 -A1 '^  ≠' "$results/probe.txt" | sed 's/^--$//; s/^/    /'
    grep ' questions: ' "$results/probe.txt"
  fi
  for table in d2l networks; do
    [[ -f $results/peers-$table/table.md ]] || continue
    printf '\n## Comparison, %s: their time divided by ours\n\n' "$table"
    printf '| peer | cases | left out, differ | geometric mean | least |\n|---|---|---|---|---|\n'
    ratios "$results/peers-$table/table.md"
  done
  if [[ -f $results/d2l.txt ]]; then
    printf '\n## d2l, trained from the command line\n\n'
    cat "$results/d2l.txt"
  fi
  if grep -qs '^Training; speed-up' "$results/sweep.txt"; then
    printf '\n## Sweep, whose table is in sweep.txt\n\n'
    sed -n '/^Training; speed-up/,$p' "$results/sweep.txt" | sed 's/^/    /'
  fi
}

jobs=${jobs:-$(default_jobs)}
environment > "$results/environment.txt" 2>&1
part doctor 60
if [[ $device == cuda && $only != "${only/doctor/}" && $outcome == FAILED ]]; then
  printf '\n%s cannot use a GPU here; doctor.txt says why, and what to do.\n' "$kit" >&2
  exit 1
fi
part tests 180
part probe 50
part peers -145
part d2l 60
part sweep 0
printf '\n'
cat "$results/summary.md"
exit "$failed"
