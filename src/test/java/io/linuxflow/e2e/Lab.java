// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.metering.GoneNamespaces;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Network namespaces of a test's own, removed with it:
 *
 * <pre>
 *   [client](eth0)-----(client)[router](server)-----(eth0)[server]
 *                              (collector)----------(eth0)[collector]
 * </pre>
 *
 * <p>The client is 10.1.0.2 and fd00:1::2, the server 10.2.0.2 and fd00:2::2, the collector
 * 10.3.0.2 and fd00:3::2; the router's end is .1 in each. Neighbours are set, so there is neither
 * ARP nor neighbour discovery among them.
 */
final class Lab implements AutoCloseable {

    static final String CLIENT = "10.1.0.2";
    static final String SERVER = "10.2.0.2";
    static final String COLLECTOR = "10.3.0.2";
    static final String CLIENT6 = "fd00:1::2";
    static final String SERVER6 = "fd00:2::2";

    private static final List<String> HOSTS = List.of("client", "server", "collector");
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final String prefix =
            "e2e-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet() + "-";

    Lab() {
        // What was attached and pinned in those of tests before.
        GoneNamespaces.remains(true);
        try {
            make();
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void make() {
        add(router());
        Shell.in(
                router(),
                "sh",
                "-c",
                "echo 1 >/proc/sys/net/ipv4/ip_forward;"
                        + "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
        for (int i = 1; i <= HOSTS.size(); i++) {
            String end = HOSTS.get(i - 1);
            String host = prefix + end;
            add(host);
            ip(
                    "link add eth0 netns "
                            + host
                            + " type veth peer name "
                            + end
                            + " netns "
                            + router());
            address(host, "eth0", "10." + i + ".0.2/24", "fd00:" + i + "::2/64");
            address(router(), end, "10." + i + ".0.1/24", "fd00:" + i + "::1/64");
            neighbour(host, "eth0", "10." + i + ".0.1", "fd00:" + i + "::1", mac(router(), end));
            neighbour(router(), end, "10." + i + ".0.2", "fd00:" + i + "::2", mac(host, "eth0"));
            ip("-n " + host + " route add default via 10." + i + ".0.1");
            ip("-n " + host + " -6 route add default via fd00:" + i + "::1");
        }
    }

    /** TCP there takes no slow peer for a lossy path: what it sent twice nobody could add up. */
    private void add(String namespace) {
        ip("netns add " + namespace);
        Shell.in(
                namespace,
                "sh",
                "-c",
                "echo 0 >/proc/sys/net/ipv4/tcp_early_retrans;"
                        + "[ ! -e /proc/sys/net/ipv4/tcp_rto_min_us ]"
                        + " || echo 5000000 >/proc/sys/net/ipv4/tcp_rto_min_us");
        ip("-n " + namespace + " link set lo up");
    }

    private static void address(String namespace, String device, String... addresses) {
        for (String address : addresses) {
            ip("-n " + namespace + " address add " + address + " dev " + device + " nodad");
        }
        ip("-n " + namespace + " link set " + device + " up");
    }

    private static void neighbour(
            String namespace, String device, String address, String address6, String mac) {
        for (String each : List.of(address, address6)) {
            ip(
                    "-n "
                            + namespace
                            + " neighbour replace "
                            + each
                            + " lladdr "
                            + mac
                            + " dev "
                            + device);
        }
    }

    /** The namespace between the others. */
    String router() {
        return prefix + "router";
    }

    String client() {
        return prefix + "client";
    }

    String server() {
        return prefix + "server";
    }

    String collector() {
        return prefix + "collector";
    }

    /** The index of a device. */
    static int ifindex(String namespace, String device) {
        return Integer.parseInt(attribute(namespace, device, "ifindex"));
    }

    /** The link-layer address of a device. */
    static String mac(String namespace, String device) {
        return attribute(namespace, device, "address");
    }

    private static String attribute(String namespace, String device, String attribute) {
        return Shell.in(namespace, "cat", "/sys/class/net/" + device + "/" + attribute).strip();
    }

    /** Runs {@code ip} with these arguments, separated by blanks. */
    static void ip(String arguments) {
        Shell.run(("ip " + arguments).split(" "));
    }

    /**
     * What the action returns, run by a thread that is in the namespace; null is the tests' own.
     */
    static <T> T in(String namespace, Callable<T> action) {
        FutureTask<T> task =
                new FutureTask<>(
                        () -> {
                            try (NetworkNamespace entered =
                                    namespace == null
                                            ? NetworkNamespace.current()
                                            : NetworkNamespace.named(namespace)) {
                                entered.enter();
                                return action.call();
                            }
                        });
        new Thread(task, "in " + namespace).start();
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw new AssertionError("in " + namespace + ": " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        Shell.result("ip", "netns", "delete", router());
        HOSTS.forEach(host -> Shell.result("ip", "netns", "delete", prefix + host));
    }
}
