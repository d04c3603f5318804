#!/usr/bin/env bash
# Runs the whole test suite on this machine's GPU. Needs bash and coreutils, no Java.
set -uo pipefail

usage="usage: $0 [--device cuda|host] [--host-path FOLDER] RESULTS
  RESULTS      folder for logs and reports; must be new or empty
  --device     cuda (default), or host to try the kit without a GPU
  --host-path  with --device host: the folder that holds libcudnn4j_host.so"
refuse() {
  printf '%s\n%s\n' "$1" "$usage" >&2
  exit 2
}

device=cuda
host_path=
results=
while (($#)); do
  case $1 in
    --device | --host-path)
      (($# > 1)) || refuse "$1 needs a value"
      [[ $1 == --device ]] && device=$2 || host_path=$2
      shift
      ;;
    -*) refuse "unknown option $1" ;;
    *) results=$1 ;;
  esac
  shift
done
[[ -n $results ]] || refuse "RESULTS is missing"
[[ $device == cuda || $device == host ]] || refuse "--device is cuda or host, not $device"
[[ $device == cuda || -f $host_path/libcudnn4j_host.so ]] ||
  refuse "--host-path: there is no libcudnn4j_host.so in '$host_path'"
if ! mkdir -p "$results" || [[ -n $(ls -A "$results") ]]; then
  refuse "$results is not an empty folder"
fi

kit=$(cd "$(dirname "$0")" && pwd)
results=$(cd "$results" && pwd)
java=("$kit/jdk/bin/java" --enable-native-access=ALL-UNNAMED "-Dcudnn4j.device=$device"
  "-XX:ErrorFile=$results/crash-%p.log" -cp "$kit/lib/*:$kit/tests")
[[ $device == cuda ]] || java+=("-Dcudnn4j.host.path=$(cd "$host_path" && pwd)")
cd "$kit" || exit 2
export PATH

# Ends a command that hangs: within MINUTES COMMAND...
within() { timeout --kill-after=10 "$1m" "${@:2}"; }

# What the other parts ran on.
environment() {
  local file
  date -u +%FT%TZ
  cat "$kit/version.txt"
  within 1 "${java[@]}" -version
  uname -srm
  for file in /etc/os-release /proc/driver/nvidia/version /proc/cpuinfo /proc/meminfo; do
    printf '\n== %s\n' "$file"
    cat "$file"
  done
  printf '\n== nvidia-smi\n'
  within 1 nvidia-smi
  within 1 nvidia-smi -q
  printf '\n== ldconfig -p\n'
  within 1 ldconfig -p
  printf '\n== pip list\n'
  within 1 python3 -m pip list
  printf '\n== variables\n'
  printf '%s\n' "PATH=$PATH" "LD_LIBRARY_PATH=${LD_LIBRARY_PATH-}" "CUDA_HOME=${CUDA_HOME-}" \
    "CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-}"
}

# Which libraries are found, which are refused, and why.
doctor() {
  within 5 "${java[@]}" io.github.cudnn4j.cli.Main doctor --device "$device"
}

# One JVM for each class: a native library can abort the process, and the rest must still run.
tests() {
  local class report status line outcome run=0 failures=0 skipped=0 bad=0
  shopt -s globstar
  for class in "$kit"/tests/**/*Test.class; do
    class=${class#"$kit/tests/"}
    class=${class%.class}
    class=${class//\//.}
    [[ $class != *_jmhTest ]] || continue
    report=$results/tests/$class
    mkdir -p "$report"
    within 10 "${java[@]}" org.junit.platform.console.ConsoleLauncher execute \
      --disable-banner --disable-ansi-colors \
      --select-class="$class" --reports-dir="$report" > "$report/output.txt" 2>&1
    status=$?
    case $status in
      0) outcome=ok ;;
      1) outcome=FAILED ;;
      124 | 137) outcome="STOPPED after 10 minutes" ;;
      *) outcome="BROKEN, exit status $status" ;;
    esac
    ((status == 0)) || ((bad += 1))
    line=
    [[ ! -f $report/TEST-junit-jupiter.xml ]] ||
      { read -r && read -r line; } < "$report/TEST-junit-jupiter.xml"
    # A class without tests is a base of others.
    [[ $status != 0 || $line != *' tests="0" '* ]] || continue
    if [[ $line =~ tests=\"([0-9]+)\"\ skipped=\"([0-9]+)\"\ failures=\"([0-9]+)\"\ errors=\"([0-9]+)\" ]]; then
      ((run += BASH_REMATCH[1], skipped += BASH_REMATCH[2]))
      ((failures += BASH_REMATCH[3] + BASH_REMATCH[4]))
      outcome+=", ${BASH_REMATCH[1]} tests, ${BASH_REMATCH[2]} skipped"
    fi
    printf '%s: %s\n' "$class" "$outcome"
  done
  printf 'Tests run: %d, Failures and errors: %d, Skipped: %d, Classes not ok: %d\n' \
    "$run" "$failures" "$skipped" "$bad"
  ((bad == 0 && run > skipped))
}

summary="cudnn4j on $device:"
failed=0
# note PART STATUS
note() {
  if (($2 == 0)); then
    summary+=" $1 ok,"
  else
    summary+=" $1 FAILED,"
    failed=1
  fi
}

# The most important first, since a borrowed machine may be taken away: benchmarks go behind.
environment > "$results/environment.txt" 2>&1
doctor 2>&1 | tee "$results/doctor.txt"
note doctor $?
tests 2>&1 | tee "$results/tests.txt"
note tests $?
printf '\n%s results in %s\n' "$summary" "$results" | tee "$results/summary.txt"
exit "$failed"
