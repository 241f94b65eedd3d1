// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Namespaces, and what Links and LinkMonitor see of them. */
class NetworkNamespaceIT {

    private static final Duration SOON = Duration.ofSeconds(10);

    private VethLab lab;
    private NamespaceThread left;

    @BeforeEach
    void open() {
        lab = new VethLab();
        left = new NamespaceThread(lab.left());
    }

    @AfterEach
    void close() {
        left.close();
        lab.close();
    }

    private static long current() {
        try (NetworkNamespace namespace = NetworkNamespace.current()) {
            return namespace.id();
        }
    }

    private static List<String> names() {
        return Links.list().stream().map(Link::name).collect(Collectors.toList());
    }

    @Test
    void onlyTheThreadThatEnteredIsInTheNamespaceAndThoseItStarts() throws Exception {
        long before = current();
        try (NetworkNamespace namespace = NetworkNamespace.named(lab.left())) {
            assertThat(namespace.name()).isEqualTo(lab.left());
            assertThat(namespace.id()).isNotEqualTo(before);
            assertThat(left.call(NetworkNamespaceIT::current)).isEqualTo(namespace.id());
            assertThat(
                            left.call(
                                    () -> {
                                        CompletableFuture<Long> id = new CompletableFuture<>();
                                        Thread child = new Thread(() -> id.complete(current()));
                                        child.start();
                                        child.join();
                                        return id.get();
                                    }))
                    .isEqualTo(namespace.id());
        }
        assertThat(current()).isEqualTo(before);
    }

    @Test
    void anUnknownNameListsTheKnownOnes() {
        assertThatThrownBy(() -> NetworkNamespace.named("no-such-namespace"))
                .isInstanceOf(BpfException.class)
                .hasMessageContaining(lab.left())
                .hasMessageContaining(lab.right());
    }

    @Test
    void aLeftoverFileIsNoNamespace() throws IOException {
        Path leftover = Files.createFile(Path.of("/run/netns", lab.left() + "-leftover"));
        try (NetworkNamespace namespace =
                NetworkNamespace.named(leftover.getFileName().toString())) {
            assertThatThrownBy(namespace::enter)
                    .isInstanceOf(BpfException.class)
                    .hasMessageContaining("Invalid argument (EINVAL)")
                    .hasMessageEndingWith(
                            "It is only a leftover file: ip netns delete " + namespace.name());
        } finally {
            Files.delete(leftover);
        }
    }

    @Test
    void linksAreThoseOfTheThreadsNamespace() {
        Command.run("ip -n " + lab.left() + " tuntap add dev tun7 mode tun");
        Command.run("ip -n " + lab.left() + " tuntap add dev tap7 mode tap");

        List<Link> links = left.call(Links::list);

        assertThat(links)
                .extracting(Link::name, Link::layer, Link::loopback, Link::up)
                .contains(
                        org.assertj.core.groups.Tuple.tuple("lo", LinkLayer.ETHERNET, true, false),
                        org.assertj.core.groups.Tuple.tuple(
                                VethLab.DEVICE, LinkLayer.ETHERNET, false, true),
                        org.assertj.core.groups.Tuple.tuple("tun7", LinkLayer.NONE, false, false),
                        org.assertj.core.groups.Tuple.tuple(
                                "tap7", LinkLayer.ETHERNET, false, false));
        assertThat(links).extracting(Link::index).isSorted();
        assertThat(names()).doesNotContain("tun7");
    }

    @Test
    void manyLinksAreListedCompletely() throws IOException {
        Path batch = Files.createTempFile("links", ".ip");
        StringBuilder commands = new StringBuilder();
        for (int i = 0; i < 150; i++) {
            commands.append("link add many").append(i).append(" type veth peer name peer");
            commands.append(i).append(System.lineSeparator());
        }
        Files.writeString(batch, commands);
        Command.run("ip -n " + lab.left() + " -batch " + batch);
        Files.delete(batch);

        assertThat(left.call(NetworkNamespaceIT::names))
                .hasSizeGreaterThanOrEqualTo(302)
                .doesNotHaveDuplicates()
                .contains("many0", "many149", "peer149");
    }

    @Test
    void additionRenamingAndRemovalAreTold() {
        left.run(
                () -> {
                    try (LinkMonitor monitor = new LinkMonitor()) {
                        assertThat(monitor.drain()).isFalse();
                        for (String change :
                                new String[] {
                                    "tuntap add dev first mode tun",
                                    "link set dev first name second",
                                    "link set dev second up",
                                    "link del dev second"
                                }) {
                            Command.run("ip -n " + lab.left() + " " + change);

                            assertThat(Poll.await(SOON, monitor.fd()))
                                    .as(change)
                                    .containsExactly(true);
                            assertThat(monitor.drain()).as(change).isTrue();
                            assertThat(monitor.drain()).as(change).isFalse();
                        }
                    }
                });
    }

    @Test
    void changesInOtherNamespacesAreNotTold() {
        left.run(
                () -> {
                    try (LinkMonitor monitor = new LinkMonitor()) {
                        Command.run("ip -n " + lab.right() + " tuntap add dev elsewhere mode tun");

                        assertThat(monitor.drain()).isFalse();
                    }
                });
    }
}
