#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Boots Debian's kernels in qemu and has each load the programs, attach them at every
# hook it has, and meter traffic of known size (meter.c). Prints a line for each;
# ends with status 1 if one did not do as expected.
#
# Needs no KVM. The first run downloads the kernels (100 MB) to target/kernels, which
# keeps them; delete it to get newer ones. As root, on Debian 12 or newer, x86-64.
#
# DEBIAN_MIRROR: another mirror than the one apt uses.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$here/../../target/kernels"
output=$(cd "$here/../../target/kernels" && pwd)
# shellcheck disable=SC2016  # expanded by apt-get
apt_mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 '/debian/$' || true)
mirror=${DEBIAN_MIRROR:-${apt_mirror%/}}
[[ -n $mirror ]] || { echo "test.sh: apt uses no Debian mirror: set DEBIAN_MIRROR" >&2; exit 1; }

# Suite, and the hooks that its kernel has; without one it is too old for the programs.
suites=(
    'bullseye'
    'bookworm clsact'
    'trixie clsact tcx'
    'trixie-backports clsact tcx'
)

packages=(bpftool busybox-static clang gcc libbpf-dev libelf-dev make pkg-config
    qemu-system-x86 xz-utils)

install_packages() {
    local package missing=()
    for package in "${packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    [[ ${#missing[@]} -eq 0 ]] && return
    [[ $EUID -eq 0 ]] || {
        echo "test.sh: as root: apt-get install ${missing[*]}" >&2
        exit 1
    }
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# apt_in SUITE COMMAND...: apt with that suite alone, and nothing of the system's changed.
apt_in() {
    local state=$output/$1/apt command=$2
    shift 2
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    "$command" -qq -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# dependencies SUITE PACKAGE KIND: those whose names begin with linux-KIND-, and a version.
dependencies() {
    apt_in "$1" apt-cache show --no-all-versions "$2" | grep '^Depends:' |
        grep -oE "linux-$3-[0-9][^ ,]*" || true
}

# download SUITE: its newest kernel to vmlinuz, and what is a module to modules/.
download() {
    local suite=$1 directory=$output/$1 image
    rm -rf "$directory"
    mkdir -p "$directory/apt" "$directory/modules"
    echo "deb [arch=amd64] $mirror $suite main" >"$directory/apt/sources.list"
    apt_in "$suite" apt-get update
    image=$(dependencies "$suite" linux-image-cloud-amd64 image)
    # From 7.1 on the kernel and its modules are in packages of their own.
    # shellcheck disable=SC2046
    (cd "$directory" && apt_in "$suite" apt-get download \
        "$image" $(dependencies "$suite" "$image" '(binary|modules)'))
    for package in "$directory"/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$directory/modules" --wildcards \
            --transform 's|.*/||' '*/vmlinuz*' '*/veth.ko*' '*/sch_ingress.ko*' '*/cls_bpf.ko*' \
            2>/dev/null || true # not everything is in every package
    done
    find "$directory/modules" -name '*.xz' -exec xz -d {} +
    mv "$directory"/modules/vmlinuz* "$directory/vmlinuz"
    rm -r "$directory/apt" "$directory"/*.deb
}

# boot SUITE: what the machine prints is in console.log.
# One thread for both CPUs: with two, emulated kernels crash when they patch their own code.
boot() {
    local directory=$output/$1
    rm -rf "$directory/root"
    mkdir -p "$directory/root/bin"
    cp "$(command -v busybox)" "$directory/root/bin/busybox"
    cp -r "$here/init" "$output/meter" "$directory/modules" "$directory/root"
    (cd "$directory/root" && find . | busybox cpio -o -H newc) >"$directory/initrd" 2>/dev/null
    timeout 180 qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 512 -nodefaults \
        -display none -no-reboot -serial stdio -kernel "$directory/vmlinuz" -initrd "$directory/initrd" \
        -append 'console=ttyS0 quiet panic=-1' </dev/null | tr -d '\r' >"$directory/console.log"
}

# report SUITE HOOKS: the line, from the RESULT lines that meter prints.
report() {
    awk -v suite="$1" -v expected="$2" '
        $1 != "RESULT" { next }
        $2 == "kernel" { kernel = $3 }
        $2 == "loaded" { loads++; time += $3; if ($4 > instructions) instructions = $4 }
        $2 == "metered" { packets += $4; if (!seen[$3]++) hooks = hooks (hooks ? " " : "") $3 }
        $2 == "ok" { ok = 1 }
        $2 == "refused" || $2 == "failed" { why = $0; sub(/^RESULT /, "", why); refused = $2 == "refused" }
        END {
            good = expected ? ok && hooks == expected : refused
            if (ok)
                why = sprintf("loads %d (%d ms, %d instructions)  hooks %s  packets %d", loads,
                    time / loads, instructions, hooks, packets)
            if (ok && !good)
                why = why (expected ? ", expected hooks " expected : ", expected a refusal")
            printf "%-17s %-28s %s  %s\n", suite, kernel ? kernel : "did not boot", why,
                good ? "OK" : "FAILED"
            exit !good
        }' "$output/$1/console.log"
}

install_packages
make --no-print-directory -s -C "$here" OUTPUT="$output"
status=0
for line in "${suites[@]}"; do
    read -r suite hooks <<<"$line"
    [[ -e $output/$suite/vmlinuz ]] || download "$suite"
    boot "$suite" || echo "test.sh: qemu for $suite ended with status $?" >&2
    report "$suite" "$hooks" || {
        status=1
        tail -n 20 "$output/$suite/console.log" >&2
    }
done
exit $status
