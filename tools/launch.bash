# Sourced by examples/run and benchmarks/run: builds a module when needed, and finds out how to start Java.

root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")

fail() {
    echo "$program: $*" >&2
    exit 1
}

# Sets java_command and java_feature (17, 25 ...) without starting a JVM only to ask for its version.
find_java() {
    if [[ -n ${JAVA_HOME:-} && -x $JAVA_HOME/bin/java ]]; then
        java_command=$JAVA_HOME/bin/java
    else
        java_command=$(command -v java) || fail "no Java found; JDK 17 or later is needed"
    fi
    local home version=
    home=$(dirname -- "$(dirname -- "$(readlink -f -- "$java_command")")")
    if [[ -r $home/release ]]; then
        version=$(sed -n 's/^JAVA_VERSION="\(.*\)"$/\1/p' "$home/release")
    fi
    if [[ -z $version ]]; then
        version=$("$java_command" -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p' | head -n 1)
    fi
    java_feature=${version%%[!0-9]*}
    [[ -n $java_feature && $java_feature -ge 17 ]] || fail "JDK 17 or later is needed, $java_command is ${version:-unknown}"
}

# build MODULE PART...: packages the module and the PARTs it is made of, unless target/run is newer than all their
# sources. The result is MODULE/target/run, a directory of jars. Several may run at once: one builds, the others wait.
build() {
    local module=$1 part run=$root/$1/target/run
    shift
    local sources=("$root/pom.xml" "$root/.mvn" "$root/$module/pom.xml" "$root/$module/src/main")
    for part in "$@"; do
        sources+=("$root/$part/pom.xml" "$root/$part/src/main")
    done
    (
        # The lock is on a file that a clean does not delete; it goes with the subshell.
        exec 9<"$root/pom.xml"
        if command -v flock >/dev/null; then
            flock 9
        fi
        if [[ -e $run/.built && -z $(find "${sources[@]}" -newer "$run/.built" -print -quit 2>/dev/null) ]]; then
            exit 0
        fi
        package "$module" "$run" 9<&-
    ) || fail "the build failed, see above"
}

# Runs in a condition, where "set -e" is off: each step is chained.
package() {
    local target=$root/$1/target run=$2
    local fresh=$run.new log=$target/run.log
    command -v mvn >/dev/null || fail "Maven (mvn) is needed to build $1 on first use"
    if [[ -t 2 ]]; then
        echo "$program: building, which takes a minute the first time ..." >&2
    fi
    # Dated before the build: what is edited meanwhile is newer, and built the next time.
    rm -rf "$fresh" "$target/lib" "$target/holdfast-$1-"*.jar && mkdir -p "$fresh" && touch "$fresh/.built" || return
    if ! (cd "$root" && mvn -B -ntp -q -pl "$1" -am package -Dmaven.test.skip -Dmaven.javadoc.skip \
        -Dmaven.source.skip -Djacoco.skip -Dspotless.check.skip) </dev/null >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
    cp "$target/lib/"*.jar "$target/holdfast-$1-"*.jar "$fresh/" || return
    # Swapped, not overwritten: a program that runs from the old jars keeps them open.
    rm -rf "$run.old" && { [[ ! -e $run ]] || mv "$run" "$run.old"; } && mv "$fresh" "$run" && rm -rf "$run.old"
}
