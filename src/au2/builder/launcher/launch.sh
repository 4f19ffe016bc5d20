#!/bin/sh
# First process of a packaged version's container: before.sh, the entry point, after.sh.
# Any POSIX shell will do. On the straight path it starts nothing but the entry point itself: a
# job's start counts in milliseconds. The folders are moved elsewhere by tests only.
version=1
# First of all: until there is a trap, a signal to the first process is lost.
stopped=false signalled=false
trap 'stopped=true signalled=true' TERM INT HUP
platform=${AU_LAUNCHER_PLATFORM:-/opt/au2}
package=${AU_LAUNCHER_PACKAGE:-/package}
job=${AU_LAUNCHER_JOB:-/run/au2}
unset AU_LAUNCHER_PLATFORM AU_LAUNCHER_PACKAGE AU_LAUNCHER_JOB

child='' timer='' started='' phases='' reset_signals=''
before='' after='' before_code=null entry_code=null after_code=null
stop_grace=${AU_STOP_GRACE_SECONDS:-10}
after_grace=${AU_AFTER_GRACE_SECONDS:-10}
case $stop_grace in *[!0-9]*) stop_grace=10 ;; esac
case $after_grace in *[!0-9]*) after_grace=10 ;; esac

# All other processes of the container; as first process we can't hit ourselves. Anywhere else
# (`docker run --init`, a test) -1 would be far too many.
kill_all() {
    if [ "$$" -eq 1 ]; then
        kill -KILL -1
    elif [ -n "$child" ]; then
        kill -KILL "$child"
    fi
}

start_timer() {
    (sleep "$1" && kill_all) </dev/null >/dev/null 3<&- 4>&- &
    timer=$!
}

cancel_timer() {
    [ -z "$timer" ] || kill -KILL "$timer"
    timer=''
}

on_signal() {
    $stopped && return
    stopped=true signalled=true
    [ -z "$child" ] || stop_child
}

# after.sh is clean-up: it is told nothing, but from now on its time is limited.
stop_child() {
    if [ "$phase" = after ]; then
        start_timer "$after_grace"
    else
        kill -TERM "$child"
        start_timer "$stop_grace"
    fi
}

# Times cost a process, so they are taken only where there is a hook to tell apart.
now() {
    time=null
    [ -n "$before$after" ] || return
    time=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ) || time=''
    case $time in *[!0-9TZ:.-]*) time=$(date -u +%Y-%m-%dT%H:%M:%SZ) ;; esac
    time="\"$time\""
}

# run PHASE COMMAND...: leaves the exit code in $code. In the background, because a shell looks at
# signals only while it waits; hence its input by way of descriptor 3. Its errors go by way of 4:
# the shell's own remarks about killed children are no part of the log.
run() {
    phase=$1
    shift
    now
    started=$time
    "$@" <&3 3<&- 2>&4 4>&- &
    child=$!
    if $stopped && [ -z "$timer" ]; then stop_child; fi
    wait "$child"
    code=$?
    while $signalled; do
        signalled=false
        wait "$child"
        again=$?
        [ "$again" -eq 127 ] || code=$again
    done
    child=''
    cancel_timer
    now
    phases="$phases${phases:+,}{\"name\":\"$phase\",\"started_at\":$started,\"ended_at\":$time}"
}

prepare_job_files() {
    [ -d "$job/scratch" ] || mkdir -p "$job/scratch"
    [ -e "$AU_ARGS_FILE" ] || echo '{}' >"$AU_ARGS_FILE"
}

record() {
    printf '{"version":%s,"before_exit_code":%s,"entry_exit_code":%s,"after_exit_code":%s,' \
        "$version" "$before_code" "$entry_code" "$after_code"
    printf '"stopped":%s,"phases":[%s]}\n' "$stopped" "$phases"
}

trap on_signal TERM INT HUP
: "${AU_ARGS_FILE:=$job/args.json}" "${AU_OUTPUT_FILE:=$job/output.json}"
: "${AU_STATUS_FILE:=$job/status.json}" "${AU_SCRATCH_DIR:=$job/scratch}"
export AU_ARGS_FILE AU_OUTPUT_FILE AU_STATUS_FILE AU_SCRATCH_DIR
# Sets interpreter, entry, before, after, reset_signals: written when the image was built.
. "$platform/entry"
cd "$package" || exit 126
prepare_job_files
exec 3<&0 4>&2 2>/dev/null

result=0
if [ -n "$before" ] && ! $stopped; then
    run before $reset_signals sh "$before"
    before_code=$code result=$code
fi
if $stopped; then
    [ "$result" -ne 0 ] || result=143
elif [ "$result" -eq 0 ]; then
    run entry $reset_signals $interpreter "$entry"
    entry_code=$code result=$code
fi
if $stopped; then kill_all; fi
if [ -n "$after" ]; then
    AU_EXIT_CODE=$entry_code
    [ "$entry_code" != null ] || AU_EXIT_CODE=''
    export AU_EXIT_CODE
    run after $reset_signals sh "$after"
    after_code=$code
    [ "$result" -ne 0 ] || result=$code
fi
# The code may have put something else there, even what would block us.
if [ -e "$job/launcher.json" ] || [ -L "$job/launcher.json" ]; then rm -rf "$job/launcher.json"; fi
record >"$job/launcher.json"
exit "$result"
