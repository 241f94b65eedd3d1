#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes a package for Debian and Ubuntu of flowctl and all that it runs:
#
#   misc/packaging/build.sh
#   apt install ./target/linux-flow-exporter_0.1.0_all.deb
#
# It is the same for all architectures: what is native in it is for the kernel's
# virtual machine, or comes for each.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
home=$(readlink -f -- "$here/../..")

"$home/misc/flowctl" version >/dev/null
version=$(sed -n 's:^  <version>\(.*\)</version>:\1:p' "$home/pom.xml")
tree=$home/target/package
share=$tree/usr/share/linux-flow-exporter
doc=$tree/usr/share/doc/linux-flow-exporter

rm -rf -- "$tree"
umask 022
mkdir -p "$tree/DEBIAN" "$tree/usr/sbin" "$share/lib" "$doc"

install "$home/misc/flowctl" "$share/"
install -m 644 "$home/misc/jvm.options" "$share/"
ln -s ../share/linux-flow-exporter/flowctl "$tree/usr/sbin/flowctl"
install -m 644 "$home/target/linux-flow-exporter-$version.jar" "$share/linux-flow-exporter.jar"
for list in classpath agent.classpath; do
    IFS=: read -ra jars <<<"$(<"$home/target/flowctl/$list")"
    install -m 644 "${jars[@]}" "$share/lib/"
    printf '%s\n' "${jars[@]##*/}" | paste -sd : >"$share/$list"
done

install -m 644 "$home/README.md" "$home/misc/migrating.md" "$doc/"
cp -R "$home/misc/examples" "$share/"
cp -R "$home/routes" "$home/kamelets" "$doc/"
ln -s ../../linux-flow-exporter/examples "$doc/examples"
{
    echo "The programs for the kernel: GPL-2.0-only OR BSD-2-Clause."
    cat "$home/bpf/LICENSE.BSD-2-Clause"
    echo "All else: Apache-2.0, /usr/share/common-licenses/Apache-2.0."
} >"$doc/copyright"
mkdir -p "$tree/usr/share/bash-completion/completions"
"$home/misc/flowctl" completion bash >"$tree/usr/share/bash-completion/completions/flowctl"

install -D -m 644 "$here/config.yaml" "$tree/etc/linux-flow-exporter/config.yaml"
install -D -m 644 "$home/misc/logrotate.conf" "$tree/etc/logrotate.d/linux-flow-exporter"
install -D -m 644 "$here/linux-flow-exporter.service" \
    "$tree/usr/lib/systemd/system/linux-flow-exporter.service"

sed "s/@VERSION@/$version/" "$here/control" >"$tree/DEBIAN/control"
(cd "$tree" && find etc -type f -printf '/%p\n') >"$tree/DEBIAN/conffiles"
install -m 755 "$here/postrm" "$tree/DEBIAN/"
dpkg-deb --root-owner-group --build "$tree" "$home/target"
