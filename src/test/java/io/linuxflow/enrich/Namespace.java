// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A network namespace of a test's own, removed with it. */
final class Namespace implements AutoCloseable {

    private static final AtomicInteger COUNT = new AtomicInteger();

    private final String name =
            "enrich-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();

    Namespace() {
        run("ip netns add " + name);
        ip("link set lo up");
    }

    String name() {
        return name;
    }

    /** Runs {@code ip} in it with these arguments, separated by blanks. */
    String ip(String arguments) {
        return run("ip -n " + name + " " + arguments);
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
        return run("ip netns exec " + name + " " + command);
    }

    private static String run(String command) {
        try {
            Process process =
                    new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as("%s: %s", command, output).isZero();
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        run("ip netns delete " + name);
    }
}
