#!/bin/sh
# First process of a packaged version's container: before.sh, the entry point, after.sh.
# Any POSIX shell will do. On the straight path it starts nothing but the entry point itself: a
# job's start counts in milliseconds. The folders are moved elsewhere by tests and local runs.
# Variables have a prefix of ours: setting one that the job has too would change the job's.
au2_version=1
# First of all: until there is a trap, a signal to the first process is lost.
au2_stopped=false au2_signalled=false
trap 'au2_stopped=true au2_signalled=true' TERM INT HUP
au2_platform=${AU_LAUNCHER_PLATFORM:-/opt/au2}
au2_package=${AU_LAUNCHER_PACKAGE:-/package}
au2_job=${AU_LAUNCHER_JOB:-/run/au2}
unset AU_LAUNCHER_PLATFORM AU_LAUNCHER_PACKAGE AU_LAUNCHER_JOB

au2_child='' au2_timer='' au2_started='' au2_phases='' au2_reset_signals='' au2_stop_signal=TERM
au2_before='' au2_before_shell=sh au2_after='' au2_after_shell=sh
au2_before_code=null au2_entry_code=null au2_after_code=null
au2_stop_grace=${AU_STOP_GRACE_SECONDS:-10}
au2_after_grace=${AU_AFTER_GRACE_SECONDS:-10}
case $au2_stop_grace in *[!0-9]*) au2_stop_grace=10 ;; esac
case $au2_after_grace in *[!0-9]*) au2_after_grace=10 ;; esac

# All other processes of the container; as first process we can't hit ourselves. Anywhere else
# (`docker run --init`, a test) -1 would be far too many.
au2_kill_all() {
    if [ "$$" -eq 1 ]; then
        kill -KILL -1
    elif [ -n "$au2_child" ]; then
        kill -KILL "$au2_child"
    fi
}

# au2_limit SECONDS [MORE]: everything is ended when the seconds are over. With MORE, the child is
# asked to end then, and everything is ended when those seconds are over too.
au2_limit() {
    (
        sleep "$1"
        if [ -n "$2" ] && kill -TERM "$au2_child"; then sleep "$2"; fi
        au2_kill_all
    ) </dev/null >/dev/null 3<&- 4>&- &
    au2_timer=$!
}

au2_cancel_limit() {
    [ -z "$au2_timer" ] || kill -KILL "$au2_timer"
    au2_timer=''
}

au2_on_signal() {
    au2_signalled=true
    $au2_stopped && return
    au2_stopped=true
    [ -z "$au2_child" ] || au2_stop_child
}

# after.sh is clean-up: it goes on, but from now on its time is limited.
au2_stop_child() {
    if [ "$au2_phase" = after ]; then
        au2_limit "$au2_after_grace" 1
        return
    fi
    if [ "$au2_phase" = before ]; then au2_stop_signal=TERM; fi
    kill "-$au2_stop_signal" "$au2_child"
    if [ "$au2_stop_signal" = TERM ]; then
        au2_limit "$au2_stop_grace" ''
    else
        # What the language lets code catch is not what ends it for certain.
        au2_half=$(((au2_stop_grace + 1) / 2))
        au2_limit "$au2_half" "$((au2_stop_grace - au2_half))"
    fi
}

# Times cost a process, so they are taken only where there is a hook to tell apart.
au2_now() {
    au2_time=null
    [ -n "$au2_before$au2_after" ] || return
    au2_time=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ) || au2_time=''
    case $au2_time in *[!0-9TZ:.-]*) au2_time=$(date -u +%Y-%m-%dT%H:%M:%SZ) ;; esac
    au2_time="\"$au2_time\""
}

# au2_run PHASE COMMAND...: leaves the exit code in $au2_code. In the background, because a shell
# looks at signals only while it waits; hence its input by way of descriptor 3. Its errors go by way
# of 4: the shell's own remarks about killed children are no part of the log.
au2_run() {
    au2_phase=$1
    shift
    au2_now
    au2_started=$au2_time
    "$@" <&3 3<&- 2>&4 4>&- &
    au2_child=$!
    if $au2_stopped && [ -z "$au2_timer" ]; then au2_stop_child; fi
    wait "$au2_child"
    au2_code=$?
    while $au2_signalled; do
        au2_signalled=false
        wait "$au2_child"
        au2_again=$?
        [ "$au2_again" -eq 127 ] || au2_code=$au2_again
    done
    au2_child=''
    au2_cancel_limit
    au2_now
    au2_phases="$au2_phases${au2_phases:+,}{\"name\":\"$au2_phase\","
    au2_phases="$au2_phases\"started_at\":$au2_started,\"ended_at\":$au2_time}"
}

au2_prepare_job_files() {
    [ -d "$au2_job/scratch" ] || mkdir -p "$au2_job/scratch"
    [ -e "$AU_ARGS_FILE" ] || echo '{}' >"$AU_ARGS_FILE"
}

au2_record() {
    printf '{"version":%s,"before_exit_code":%s,"entry_exit_code":%s,"after_exit_code":%s,' \
        "$au2_version" "$au2_before_code" "$au2_entry_code" "$au2_after_code"
    printf '"stopped":%s,"phases":[%s]}\n' "$au2_stopped" "$au2_phases"
}

trap au2_on_signal TERM INT HUP
: "${AU_ARGS_FILE:=$au2_job/args.json}" "${AU_OUTPUT_FILE:=$au2_job/output.json}"
: "${AU_STATUS_FILE:=$au2_job/status.json}" "${AU_SCRATCH_DIR:=$au2_job/scratch}"
export AU_ARGS_FILE AU_OUTPUT_FILE AU_STATUS_FILE AU_SCRATCH_DIR
# The small libraries, behind whatever the code brings itself. JavaScript's lies above the package.
PATH=${PATH:+$PATH:}$au2_platform/sdk/sh
PYTHONPATH=${PYTHONPATH:+$PYTHONPATH:}$au2_platform/sdk/python
R_LIBS=${R_LIBS:+$R_LIBS:}$au2_platform/sdk/r
export PATH PYTHONPATH R_LIBS
# Sets au2_interpreter, au2_entry and what else of the above the package has; written when the image
# was built.
. "$au2_platform/entry"
cd "$au2_package" || exit 126
au2_prepare_job_files
exec 3<&0 4>&2 2>/dev/null

au2_result=0
if [ -n "$au2_before" ] && ! $au2_stopped; then
    au2_run before $au2_reset_signals $au2_before_shell "$au2_before"
    au2_before_code=$au2_code au2_result=$au2_code
fi
if $au2_stopped; then
    [ "$au2_result" -ne 0 ] || au2_result=143
elif [ "$au2_result" -eq 0 ]; then
    au2_run entry $au2_reset_signals $au2_interpreter "$au2_entry"
    au2_entry_code=$au2_code au2_result=$au2_code
fi
if $au2_stopped; then au2_kill_all; fi
if [ -n "$au2_after" ]; then
    AU_EXIT_CODE=$au2_entry_code
    [ "$au2_entry_code" != null ] || AU_EXIT_CODE=''
    export AU_EXIT_CODE
    au2_run after $au2_reset_signals $au2_after_shell "$au2_after"
    au2_after_code=$au2_code
    [ "$au2_result" -ne 0 ] || au2_result=$au2_code
fi
# The code may have put something else there, even what would block us.
if [ -e "$au2_job/launcher.json" ] || [ -L "$au2_job/launcher.json" ]; then
    rm -rf "$au2_job/launcher.json"
fi
au2_record >"$au2_job/launcher.json"
exit "$au2_result"
