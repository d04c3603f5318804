#!/usr/bin/env bash
# Runs everything on this machine's GPU in nine minutes, the most important first, or one of two
# plans. Needs bash 4.4, coreutils, tar, gzip, awk, sed and grep, no Java; the comparison needs
# Python 3.9.
set -uo pipefail

usage="usage: $0 [OPTION...] RESULTS
  RESULTS      folder for what comes out, results.tar.gz and summary.md; must be new or empty
  --plan       first: doctor, probe, the tests that say most about a GPU, steps, in 315 seconds;
               second: the other tests, networks, d2l, examples, sweep, in 355; the options below
               change that
  --again      RESULTS of an earlier run, or its archive: the test classes that failed there come
               first, then those that did not run; with --plan second those that passed do not
  --only       comma-separated parts of doctor,probe,tests,steps,networks,d2l,examples,sweep, which
               share the time; default all
  --classes    regular expression: only the test classes in whose full name it is found
  --seconds    for everything together, default 530
  --jobs       test classes that run at a time; default half of the processors, at most 8, and one
               for every 2 GiB of free GPU memory
  --python     that runs the comparison; default one that has PyTorch, or python3
  --device     cuda (default), or host to try the kit without a GPU
  --host-path  with --device host: the folder that holds libcudnn4j_host.so"
refuse() {
  printf '%s\n%s\n' "$1" "$usage" >&2
  exit 2
}

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || refuse "bash 4.4 is needed, this is $BASH_VERSION"

# Each part in its turn, and the share of the time that it may take.
parts=(doctor probe tests steps networks d2l examples sweep)
declare -A share=([doctor]=40 [probe]=50 [tests]=150 [steps]=90 [networks]=110 [d2l]=80 [examples]=60
  [sweep]=70)
save_every=15 # seconds

plan= again= only= classes= seconds= jobs= python= device=cuda host_path= results=
while (($#)); do
  case $1 in
    --plan | --again | --only | --classes | --seconds | --jobs | --python | --device | --host-path)
      (($# > 1)) || refuse "$1 needs a value"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      shift
      ;;
    -h | --help) printf '%s\n' "$usage" && exit ;;
    -*) refuse "unknown option $1" ;;
    *)
      [[ ! $results ]] || refuse "RESULTS is $results, what is $1?"
      results=$1
      ;;
  esac
  shift
done
case $plan in
  '') ;;
  first)
    only=${only:-doctor,probe,tests,steps}
    seconds=${seconds:-315}
    classes=${classes:-'\.(rnn|cudnn|cuda|proof|train)\.'}
    ;;
  second)
    only=${only:-tests,networks,d2l,examples,sweep}
    seconds=${seconds:-355}
    ;;
  *) refuse "--plan is first or second, not $plan" ;;
esac
IFS=, read -ra only <<< "${only:-$(IFS=, && echo "${parts[*]}")}"
seconds=${seconds:-530}
[[ $results ]] || refuse "RESULTS is missing"
[[ $device == cuda || $device == host ]] || refuse "--device is cuda or host, not $device"
[[ $device == cuda || -f $host_path/libcudnn4j_host.so ]] ||
  refuse "--host-path: there is no libcudnn4j_host.so in '$host_path'"
[[ $seconds =~ ^[1-9][0-9]*$ ]] || refuse "--seconds is not a number: $seconds"
[[ ! $jobs || $jobs =~ ^[1-9][0-9]*$ ]] || refuse "--jobs is not a number: $jobs"
for part in "${only[@]}"; do
  [[ ${share[$part]-} ]] || refuse "--only: there is no part $part"
done
[[ '' =~ $classes ]] || (($? == 1)) || refuse "--classes is not a regular expression: $classes"
# What the earlier run says of each test class.
declare -A before=()
if [[ $again ]]; then
  [[ ! -d $again ]] || again=$again/results.tar.gz
  tar -tzf "$again" > /dev/null 2>&1 || refuse "--again: $again is not an archive of results"
  while IFS=: read -r class outcome; do
    before[$class]=${outcome# }
  done < <(tar -xzOf "$again" results/tests.txt 2> /dev/null | grep -E '^[A-Za-z0-9_.]+Test: ')
fi
if ! mkdir -p "$results" || [[ -n $(ls -A "$results") ]]; then
  refuse "$results is not an empty folder"
fi

kit=$(cd "$(dirname "$0")" && pwd)
results=$(cd "$results" && pwd)
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch" 2> /dev/null' EXIT
work=$scratch/results # everything that is written, which goes into the archive
logs=$work/logs
mkdir -p "$logs"
# Not every way of copying a folder keeps what may be executed.
[[ -x $kit/jdk/bin/java && -x $kit/jdk/lib/jspawnhelper ]] ||
  chmod +x "$kit"/jdk/bin/* "$kit/jdk/lib/jspawnhelper" "$kit/cudnn_peer" 2> /dev/null
# Java itself, and its classes as they are in memory, packed because they are large.
for large in "$kit"/jdk/lib/server/{libjvm.so,classes.jsa}; do
  [[ ! -f $large.gz || -f $large ]] ||
    { gzip -dc "$large.gz" > "$large.$$" && mv "$large.$$" "$large"; } 2> /dev/null ||
    rm -f "$large.$$"
done
java=("$kit/jdk/bin/java" --enable-native-access=ALL-UNNAMED "-Dcudnn4j.device=$device"
  "-Dcudnn4j.algorithms.path=$logs/algorithms.json" # of this run, not the user's
  -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 "-XX:ErrorFile=$logs/crash-%p.log"
  -cp "$kit/lib/*:$kit/tests")
if [[ $device == host ]]; then
  host_path=$(cd "$host_path" && pwd)
  java+=("-Dcudnn4j.host.path=$host_path")
fi
if [[ ! $python ]]; then
  python=python3
  for candidate in python3 {"${VIRTUAL_ENV-}","${CONDA_PREFIX-}",.venv,venv,"${HOME-}"/{.venv,venv}}/bin/python \
    /opt/{*/,}{.venv/,venv/,}bin/python; do
    if "$candidate" -c 'import importlib.util as u; exit(u.find_spec("torch") is None)' 2> /dev/null; then
      python=$candidate
      break
    fi
  done
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
  df -h "$results" "$scratch"
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

# The classes that are tests: after those that failed in the earlier run and those that did not run
# in it, the ones that take longest, then those first that say most about a GPU.
test_classes() {
  local class name order
  shopt -s globstar nullglob
  for class in tests/io/github/cudnn4j/proof/{Rows,Combinations}Test.class \
    tests/io/github/cudnn4j/rnn/{RnnStep,Algorithm,RnnPrecision,SequenceBatch}Test.class \
    tests/io/github/cudnn4j/{proof,cudnn,rnn,cuda,train,tape,model,cli,library,host}/*Test.class \
    tests/**/*Test.class; do
    name=${class#tests/}
    name=${name%.class}
    name=${name//\//.}
    case ${before[$name]-} in
      ok*) order=3 ;;
      '' | 'NOT RUN'*) order=2 ;;
      *) order=1 ;;
    esac
    if [[ -f $class && $name != *_jmhTest && $name =~ $classes && $plan$order != second3 ]]; then
      printf '%d %s\n' "$order" "$name"
    fi
  done | awk '!seen[$0]++' | sort -s -n -k 1,1 | cut -d ' ' -f 2
}

# junit CLASS SECONDS FOLDER: one JVM for each class, because a native library can abort the process,
# and the rest must still run
junit() {
  mkdir -p "$3"
  within "$2" "${java[@]}" -XX:+UseSerialGC org.junit.platform.console.ConsoleLauncher execute \
    --disable-banner --disable-ansi-colors \
    --select-class="$1" --reports-dir="$3" > "$3/output.txt" 2>&1
}

# With this cuBLAS computes the same bits again, whatever else runs on the GPU.
same_bits=CUBLAS_WORKSPACE_CONFIG=:4096:2

# test_class CLASS SECONDS END
test_class() {
  local folder=$logs/tests/$1 status outcome
  (export "$same_bits" && junit "$1" "$2" "$folder")
  status=$?
  outcome=$(outcome "$status" "$2")
  if counts "$folder"; then
    # A class without tests is a base of others.
    ((status != 0 || tests > 0)) || return 0
    outcome+=", $tests tests, $skipped skipped, $((failures + errors)) failed, $time s"
  fi
  printf '%s\n' "$outcome" > "$folder/outcome"
  # In one piece, because several write.
  printf '%s\n' "$1: $outcome$(failures "$folder/output.txt")"
  # Numbers that are not the same to the bit: is it cuBLAS, and is it so every time?
  if ((status == 1 && SECONDS + 20 < $3)) &&
    grep -qE 'contents differ|expected: <-?[0-9][^>]*> but was: <-?[0-9]' "$folder/output.txt"; then
    local limit=$((($3 - SECONDS) / 2))
    (export "$same_bits" && junit "$1" "$limit" "$folder/again")
    outcome=$(outcome "$?" "$limit")
    (unset "${same_bits%%=*}" && junit "$1" "$limit" "$folder/without")
    printf '%s\n' "  $1 again: $outcome; without $same_bits: $(outcome "$?" "$limit")"
  fi
}

# outcome STATUS SECONDS
outcome() {
  case $1 in
    0) echo ok ;;
    1) echo FAILED ;;
    124 | 137) echo "STOPPED after $2 s" ;;
    *) echo "BROKEN, exit status $1" ;;
  esac
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
  local all
  mapfile -t all < <(test_classes)
  for class in "${all[@]}"; do
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    left=$((end - SECONDS))
    if ((left > 20)); then
      test_class "$class" $((left < 120 ? left - 5 : 120)) "$end" &
    else
      not_run+=("$class")
    fi
  done
  wait
  for class in "${all[@]}"; do
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
  ((run > left_out || ${#all[@]} == 0))
}

# What cuDNN's documentation leaves open, beside what the host device does.
probe() {
  within "$1" "${java[@]}" io.github.cudnn4j.host.DeviceProbe --seconds $(($1 - 10)) \
    --json "$work/probe.json"
}

# Whole training steps of d2l.ai's models, and their networks alone.
steps() { compare "$1" steps d2l; }

# The networks of DeepBench.
networks() { compare "$1" networks "$([[ $device == cuda ]] && echo deepbench || echo shapes)"; }

# compare SECONDS NAME SET: ours, a C program's, PyTorch's
compare() {
  if ! within 20 "$python" -c '' 2> /dev/null; then
    echo "not run: there is no $python"
    return 3
  fi
  within 20 "$python" peers/compare.py --help > /dev/null || return 3 # it is too old, which it says
  local options=(--device "$device" --python "$(command -v "$python")" --java "$kit/jdk/bin/java"
    --classpath "$kit/lib/*:$kit/tests" --work "$logs/peers" --seconds 0.25 --rounds 5)
  if [[ $device == cuda ]]; then
    options+=(--peers c,torch,torch-graph)
  else
    options+=(--peers c,torch --host-path "$host_path" --threads "$(nproc)")
  fi
  # Compiled where the kit was packed; if it does not start here, it is compiled here.
  if [[ $("$kit/cudnn_peer" < /dev/null 2> /dev/null) == "= "* ]]; then
    options+=(--c-program "$kit/cudnn_peer")
  fi
  within "$1" "$python" peers/compare.py "${options[@]}" --set "$3" \
    --limit $(($1 < 30 ? $1 / 2 : $1 - 15)) --out "$work/peers-$2"
}

# The character models of d2l.ai, from the command line to the perplexity.
d2l() {
  local end=$((SECONDS + $1)) epochs=500 cell precision row line status=0 late=0
  [[ $device == cuda ]] || epochs=20
  printf '| cell | precision | algorithm | training perplexity | tokens/s | seconds |\n'
  printf '|---|---|---|---|---|---|\n'
  for precision in FP32 TF32 BF16; do
    for row in {lstm,gru,tanh}" | $precision | "{standard,auto}; do
      cell=${row%% *}
      row "$row" d2l "$end" io.github.cudnn4j.cli.Main train --device "$device" \
        --text "$kit/text.txt" --letters-only --cell "$cell" --hidden 256 --one-hot --batch 32 \
        --steps 35 --tokens 10000 --epochs "$epochs" --optimizer sgd --lr 1 --clip-norm 1 \
        --precision "$precision" --algorithm "${row##* }" || continue
      printf '| %s | %.3f | %.0f | %.1f |\n' "$row" "$(field perplexity "$line")" \
        "$(field tokensPerSecond "$line")" "$(field seconds "$line")"
    done
  done
  ((status == 1 || late == 0)) || return 124
  return "$status"
}

# The examples that take the least time, of those that need no more than is packed.
examples() {
  local end=$((SECONDS + $1)) name line status=0 late=0
  printf '| example | value | naive baseline | seconds | metric |\n'
  printf '|---|---|---|---|---|\n'
  for name in tagging key-terms caption error-surface clockwork; do
    row "$name" examples "$end" io.github.cudnn4j.examples.Example "$name" || continue
    printf '| %s | %.4f | %.4f | %.0f | %s |\n' "$name" "$(field value "$line")" \
      "$(field baseline "$line")" "$(field seconds "$line")" \
      "$(sed -E 's/.*"metric":"([^"]*)".*/\1/' <<< "$line")"
  done
  ((status == 1 || late == 0)) || return 124
  return "$status"
}

# row LABEL PART END COMMAND...: sets line to the JSON at the end of what Java prints; without one
# it prints a row that says why, and sets status or late
row() {
  local label=$1 part=$2 end=$3 left=$(($3 - SECONDS))
  shift 3
  if ((left < 8)); then
    printf '| %s | not run, the time was up |\n' "$label"
    late=1
    return 1
  fi
  mkdir -p "$logs/$part"
  line=$(cd "$logs/$part" && within "$left" "${java[@]}" "$@" 2>> "$logs/$part.txt" |
    tee -a "$logs/$part.txt" | tail -n 1)
  if [[ $line == '{'* ]]; then
    printf '%s\n' "$line" >> "$work/$part.jsonl"
    return
  fi
  if ((SECONDS >= end)); then
    printf '| %s | not finished, the time was up |\n' "$label"
    late=1
  else
    printf '| %s | FAILED, see logs/%s.txt |\n' "$label" "$part"
    status=1
  fi
  return 1
}
# field NAME JSON: a number
field() { sed -E "s/.*\"$1\":([-+.0-9eE]+).*/\\1/" <<< "$2"; }

# Every algorithm in FP32, TF32, BF16 and FP16.
sweep() {
  local options=(--preset d2l,deepbench --precision FP32,TF32,BF16,FP16 --repeat 5)
  [[ $device == cuda ]] || options=(--preset d2l --repeat 5)
  within "$1" "${java[@]}" io.github.cudnn4j.cli.Main bench --device "$device" "${options[@]}" \
    --time-limit $(($1 - 15)) --json "$work/sweep.json" 2> "$logs/sweep.txt"
}

rows=()
failed=0
outcome=

# The seconds that a part may take: its share of what is left for it and those behind it.
limit_of() {
  local part all=0 left=$((seconds - SECONDS))
  for part in "${parts[@]}"; do
    [[ $part == "$1" ]] && all=0
    ! chosen "$part" || ((all += share[$part]))
  done
  local limit=$((left * share[$1] / all))
  limit=$((limit < 20 ? 20 : limit))
  echo $((limit < left ? limit : left))
}

chosen() { [[ " ${only[*]} " == *" $1 "* ]]; }

# part NAME: runs the function of that name
part() {
  local name=$1 start=$SECONDS limit running status
  limit=$(limit_of "$name")
  if ((limit < 20)); then
    outcome="not begun, the time was up"
    failed=1
  else
    printf '\n== %s, at most %d s\n' "$name" "$limit"
    outcome=running
    rows+=("| $name | running | |")
    echo 137 > "$scratch/status"
    { "$name" "$limit" 2>&1; echo $? > "$scratch/status"; } | tee "$work/$name.txt" &
    running=$!
    # What a part has left behind may hold its output open.
    while kill -0 "$running" 2> /dev/null && ((SECONDS < start + limit + 10)); do
      sleep 0.2
      ((SECONDS - saved < save_every)) || save
    done
    read -r status < "$scratch/status"
    case $status in
      0) outcome=ok ;;
      3) outcome="not run" failed=1 ;;
      124) outcome="STOPPED after $limit s" failed=1 ;;
      137) outcome=KILLED failed=1 ;;
      *) outcome=FAILED failed=1 ;;
    esac
    unset "rows[-1]"
  fi
  rows+=("| $name | $outcome | $((SECONDS - start)) |")
  save
}

# Writes the archive and the summary, each by a rename: the machine may be taken away.
save() {
  saved=$SECONDS
  summary > "$work/summary.md"
  # What is being written goes in as far as it is; tar only says so.
  tar -C "$scratch" -czf "$results/.new" results 2> /dev/null
  mv -f "$results/.new" "$results/results.tar.gz"
  cp "$work/summary.md" "$results/.new"
  mv -f "$results/.new" "$results/summary.md"
}

# Ends this run with what it has started, at the signal that a limit of time sends.
stopped() {
  trap '' TERM INT HUP
  [[ $outcome != running ]] || rows[-1]=${rows[-1]/running/STOPPED by a signal}
  save
  local processes
  mapfile -t processes < <(descendants)
  kill "${processes[@]}" 2> /dev/null
  exit 143
}

# The processes that come from this one, whatever group they are in.
descendants() {
  cat /proc/[0-9]*/stat 2> /dev/null | awk -v root=$$ '
    { sub(/[(].*[)]/, "()"); parent[$1] = $4 }
    END {
      for (process in parent) {
        for (p = process; p != root && p in parent; p = parent[p]);
        if (p == root && process != root) print process
      }
    }'
}

# What there is so far.
summary() {
  printf '# cudnn4j: %s\n\n' "$(sed -n 's/^ *0  \(.*\), compute capability.*/\1/p' \
    "$work/doctor.txt" 2> /dev/null | head -n 1)"
  cat "$kit/version.txt"
  printf 'run %s, %d s\n' "$(date -u +%FT%TZ)" "$SECONDS"
  printf '\n| part | outcome | seconds |\n|---|---|---|\n'
  printf '%s\n' "${rows[@]}"
  if [[ -f $work/tests.txt ]]; then
    printf '\n## Tests\n\n'
    awk '/: (FAILED|STOPPED|BROKEN)/ { print "- " $0; bad = 1; next }
      /^ / { if (bad || / again: /) print; next }
      { bad = 0 }' "$work/tests.txt"
    printf '\n'
    grep '^Tests run' "$work/tests.txt"
  fi
  if [[ -f $work/probe.txt ]]; then
    printf '\n## Otherwise than on the host device\n\n'
    grep -B1 -A1 '^  ≠' "$work/probe.txt" | sed 's/^--$//; s/^/    /'
    grep ' questions: ' "$work/probe.txt"
  fi
  local name
  for name in steps networks; do
    [[ -f $work/peers-$name/table.md ]] || continue
    printf '\n## %s: their time divided by ours\n\n' "${name^}"
    sed -n '/^| peer |/,/^$/p' "$work/peers-$name/table.md"
  done
  if [[ -f $work/d2l.txt ]]; then
    printf '\n## d2l, trained from the command line\n\n'
    cat "$work/d2l.txt"
  fi
  if [[ -f $work/examples.txt ]]; then
    printf '\n## Examples\n\n'
    cat "$work/examples.txt"
  fi
  if grep -qs '^Training; speed-up' "$work/sweep.txt"; then
    printf '\n## Sweep, whose table is in sweep.txt\n\n'
    sed -n '/^Training; speed-up/,$p' "$work/sweep.txt" | sed 's/^/    /'
  fi
}

trap stopped TERM INT HUP
jobs=${jobs:-$(default_jobs)}
save
environment > "$work/environment.txt" 2>&1 &
environment=$!
if [[ $device == cuda ]] && { chosen steps || chosen networks; }; then
  # Reading PyTorch from a disk for the first time takes longer than all that is measured.
  within 100 "$python" -c 'import torch; torch.zeros(1).cuda()' > /dev/null 2>&1 &
fi
for name in "${parts[@]}"; do
  chosen "$name" || continue
  part "$name"
  if [[ $device == cuda && $name == doctor && $outcome == FAILED ]]; then
    printf '\n%s cannot use a GPU here; doctor.txt says why, and what to do.\n' "$kit" >&2
    break
  fi
done
wait "$environment"
save
printf '\n'
cat "$results/summary.md"
exit "$failed"
