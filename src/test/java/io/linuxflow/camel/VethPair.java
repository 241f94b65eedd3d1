// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.bpf.Command;
import java.io.IOException;
import java.util.List;

/** Two network namespaces, each with an eth0 that leads to the other. */
final class VethPair implements AutoCloseable {

    static final String HERE = "camel-it-a";
    static final String THERE = "camel-it-b";
    static final String ADDRESS_HERE = "10.72.0.1";
    static final String ADDRESS_THERE = "10.72.0.2";

    VethPair() throws Exception {
        close();
        ip("netns add " + HERE);
        ip("netns add " + THERE);
        ip("-n " + HERE + " link add eth0 type veth peer name eth0 netns " + THERE);
        ip("-n " + HERE + " address add " + ADDRESS_HERE + "/24 dev eth0");
        ip("-n " + THERE + " address add " + ADDRESS_THERE + "/24 dev eth0");
        ip("-n " + HERE + " link set eth0 up");
        ip("-n " + THERE + " link set eth0 up");
    }

    @Override
    public void close() throws IOException {
        for (String namespace : List.of(HERE, THERE)) {
            new ProcessBuilder("ip", "netns", "delete", namespace).start().onExit().join();
        }
    }

    static void ip(String arguments) {
        Command.run("ip " + arguments);
    }
}
