// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.bpf.Command;
import java.util.concurrent.atomic.AtomicInteger;

/** A network namespace of a test's own, removed with it. */
final class Namespace implements AutoCloseable {

    private static final AtomicInteger COUNT = new AtomicInteger();

    private final String name =
            "enrich-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();

    Namespace() {
        Command.run("ip netns add " + name);
        ip("link set lo up");
    }

    String name() {
        return name;
    }

    /** Runs {@code ip} in it with these arguments, separated by blanks. */
    String ip(String arguments) {
        return Command.run("ip -n " + name + " " + arguments);
    }

    /** Makes a device of that index, up; its other end is in the namespace, too. */
    void veth(String device, int index) {
        ip("link add %s index %d type veth peer name %s-end".formatted(device, index, device));
        ip("link set " + device + " up");
        ip("link set " + device + "-end up");
    }

    /** The index of a device. */
    int ifindex(String device) {
        return Integer.parseInt(exec("cat /sys/class/net/" + device + "/ifindex").strip());
    }

    /** Runs a command in it. */
    String exec(String command) {
        return Command.run("ip netns exec " + name + " " + command);
    }

    @Override
    public void close() {
        Command.run("ip netns delete " + name);
    }
}
