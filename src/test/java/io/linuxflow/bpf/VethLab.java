// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;

/**
 * Two namespaces, joined by a veth pair that carries nothing but what tests send: no IPv6, no ARP.
 */
final class VethLab implements AutoCloseable {

    /** The device of either end. */
    static final String DEVICE = "veth0";

    private static int count;

    private final String left;
    private final String right;
    private final NamespaceThread leftThread;

    VethLab() {
        String id = "bridge-" + ProcessHandle.current().pid() + "-" + count++;
        left = id + "-left";
        right = id + "-right";
        Command.run("ip netns add " + left);
        Command.run("ip netns add " + right);
        for (String ns : new String[] {left, right}) {
            Command.run("ip netns exec " + ns + " sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
            Command.run("ip netns exec " + ns + " sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
        }
        plug();
        leftThread = new NamespaceThread(left);
    }

    /** Makes the pair, as when it is made anew. */
    void plug() {
        Command.run(
                "ip -n %s link add %s type veth peer name %s netns %s"
                        .formatted(left, DEVICE, DEVICE, right));
        configure(left, "10.99.0.1", right, "10.99.0.2");
        configure(right, "10.99.0.2", left, "10.99.0.1");
    }

    /** Removes the pair. */
    void unplug() {
        Command.run("ip -n %s link del %s".formatted(left, DEVICE));
    }

    private static void configure(String ns, String address, String peer, String peerAddress) {
        Command.run("ip -n %s address add %s/30 dev %s".formatted(ns, address, DEVICE));
        Command.run("ip -n %s link set %s up".formatted(ns, DEVICE));
        String mac =
                Command.run(
                                "ip netns exec %s cat /sys/class/net/%s/address"
                                        .formatted(peer, DEVICE))
                        .strip();
        Command.run(
                "ip -n %s neigh replace %s lladdr %s dev %s"
                        .formatted(ns, peerAddress, mac, DEVICE));
    }

    String left() {
        return left;
    }

    String right() {
        return right;
    }

    /** Sends UDP datagrams from left to right. */
    void send(int datagrams) {
        leftThread.run(
                () -> {
                    try (DatagramSocket socket = new DatagramSocket()) {
                        DatagramPacket packet = new DatagramPacket(new byte[100], 100);
                        packet.setSocketAddress(new InetSocketAddress("10.99.0.2", 9));
                        for (int i = 0; i < datagrams; i++) {
                            socket.send(packet);
                        }
                    }
                });
    }

    /** The index of the device in the calling thread's namespace. */
    static int ifindex() {
        return Links.list().stream()
                .filter(link -> link.name().equals(DEVICE))
                .findFirst()
                .orElseThrow()
                .index();
    }

    @Override
    public void close() {
        leftThread.close();
        Command.run("ip netns del " + left);
        Command.run("ip netns del " + right);
    }
}
