// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.bpf.BpfMount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The package that {@code misc/packaging/build.sh} makes, installed by dpkg on a copy of this
 * machine: an overlay over its file system, with network and mounts of its own.
 */
class PackageIT {

    /** What is in the arguments runs on the copy, in $directory there. */
    private static final String ON_A_COPY =
            """
            directory=$1 root=$1/overlay/root
            mkdir -p "$directory/overlay"
            mount -t tmpfs tmpfs "$directory/overlay"
            mkdir "$directory/overlay/upper" "$directory/overlay/work" "$root"
            mount -t overlay overlay -o lowerdir=/,\
            upperdir="$directory/overlay/upper",workdir="$directory/overlay/work" "$root"
            for each in proc sys dev; do mount --rbind "/$each" "$root/$each"; done
            mount -t tmpfs tmpfs "$root/run"
            mount --bind "$directory" "$root/mnt"
            ip link set lo up
            chroot "$root" sh -euc "$2"
            """;

    private static final String SESSION =
            """
            cd /
            dpkg -i /mnt/package.deb
            flowctl version
            flowctl dependency-check -o csv >/mnt/dependencies.csv || true
            bash -c '. /usr/share/bash-completion/completions/flowctl && complete -p flowctl'
            grep -qF "$(sed -n 's/^    file: //p' /etc/linux-flow-exporter/config.yaml) {" \\
                /etc/logrotate.d/linux-flow-exporter
            logrotate --debug /etc/logrotate.d/linux-flow-exporter
            sed -i 's:/var/log:/mnt:' /etc/linux-flow-exporter/config.yaml
            flowctl agent -c /etc/linux-flow-exporter/config.yaml --interfaces lo \\
                >/mnt/agent.log 2>&1 &
            agent=$!
            tries=0
            until grep -q 'lo is metered at egress' /mnt/agent.log; do
                tries=$((tries + 1))
                [ $tries -lt 300 ] || { cat /mnt/agent.log; exit 1; }
                sleep 0.1
            done
            ping -q -c 3 -i 0.2 127.0.0.1
            flowctl dump
            kill $agent
            wait $agent
            flowctl meter detach -n lo --force
            dpkg --purge linux-flow-exporter
            ! command -v flowctl
            ! ls -d /usr/share/linux-flow-exporter /var/cache/linux-flow-exporter
            """;

    @TempDir Path directory;

    @Test
    void thePackageInstallsExportsAndLeavesNothing() throws Exception {
        BpfMount.ensure();
        String built = Shell.run(CamelCli.REPOSITORY.resolve("misc/packaging/build.sh").toString());
        Path deb = Path.of(built.replaceAll("(?s).*'(/.*\\.deb)'.*", "$1"));
        Files.copy(deb, directory.resolve("package.deb"));

        String output =
                Shell.run(
                        "unshare",
                        "--net",
                        "--mount",
                        "--propagation",
                        "private",
                        "sh",
                        "-euc",
                        ON_A_COPY,
                        "copy",
                        directory.toString(),
                        SESSION);

        assertThat(output).containsPattern("(?m)^flowctl \\d");
        assertThat(Files.readString(directory.resolve("dependencies.csv"))).contains("VALID");
        List<JsonNode> echoes = new ArrayList<>();
        for (String line : Files.readAllLines(directory.resolve("flows.json"))) {
            JsonNode flow = new ObjectMapper().readTree(line);
            if (flow.get("proto").asInt() == 1) {
                echoes.add(flow);
            }
        }
        assertThat(echoes).extracting(flow -> flow.get("pkts").asInt()).containsOnly(3);
        assertThat(echoes).extracting(flow -> flow.get("src").asText()).containsOnly("127.0.0.1");
        assertThat(echoes).as("requests and replies").hasSize(2);
    }
}
