// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.bpf.NetworkNamespace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

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

    /** Sockets stay in the namespace that they are made in. */
    static <T> T in(String name, Callable<T> callable) throws Exception {
        FutureTask<T> task =
                new FutureTask<>(
                        () -> {
                            try (NetworkNamespace namespace = NetworkNamespace.named(name)) {
                                namespace.enter();
                                return callable.call();
                            }
                        });
        new Thread(task).start();
        return task.get();
    }

    static void ip(String arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments.split(" ")));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as("ip %s: %s", arguments, output).isZero();
    }
}
