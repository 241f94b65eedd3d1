// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UdpSegmentationTest {

    private DatagramSocket receiver;
    private DatagramChannel sender;

    @BeforeEach
    void open() throws IOException {
        receiver = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
        receiver.setSoTimeout(10_000);
        sender = DatagramChannel.open();
    }

    @AfterEach
    void close() throws IOException {
        sender.close();
        receiver.close();
    }

    private InetSocketAddress local() throws IOException {
        return (InetSocketAddress) sender.getLocalAddress();
    }

    private void send(String text) throws IOException {
        ByteBuffer message = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
        sender.send(message, receiver.getLocalSocketAddress());
    }

    private List<String> receive(int count) throws IOException {
        List<String> datagrams = new ArrayList<>();
        DatagramPacket packet = new DatagramPacket(new byte[1500], 1500);
        for (int i = 0; i < count; i++) {
            receiver.receive(packet);
            datagrams.add(
                    new String(packet.getData(), 0, packet.getLength(), StandardCharsets.US_ASCII));
        }
        return datagrams;
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "0.0.0.0"})
    void oneSendIsManyDatagrams(String address) throws IOException {
        sender.bind(new InetSocketAddress(address, 0));
        UdpSegmentation segmentation = UdpSegmentation.of(local());

        assertThat(segmentation.segmentSize(4)).isTrue();
        send("aaaabbbbcc");
        assertThat(receive(3)).containsExactly("aaaa", "bbbb", "cc");

        assertThat(segmentation.segmentSize(0)).isTrue();
        send("aaaabbbbcc");
        assertThat(receive(1)).containsExactly("aaaabbbbcc");
    }

    @Test
    void ofSeveralSocketsWithOneAddressNoneIsTaken() throws IOException {
        sender.setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(null);
        UdpSegmentation alone = UdpSegmentation.of(local());
        try (DatagramChannel other = DatagramChannel.open()) {
            other.setOption(StandardSocketOptions.SO_REUSEADDR, true)
                    .bind(new InetSocketAddress(local().getPort()));
            assertThat(UdpSegmentation.of(local())).isNull();
        }
        assertThat(alone).isNotNull();
        assertThat(UdpSegmentation.of(local())).isNotNull();
    }

    @Test
    void aSocketThatWasConnectedAfterwardsIsFoundByTheWildcardItWasBoundTo() throws IOException {
        sender.bind(null);
        InetSocketAddress before = new InetSocketAddress(local().getPort());
        sender.connect(receiver.getLocalSocketAddress());

        assertThat(UdpSegmentation.of(before)).isNotNull();
    }

    @Test
    void aSocketOfNobodyIsNotFound() throws IOException {
        sender.bind(new InetSocketAddress("127.0.0.1", 0));
        InetSocketAddress local = local();
        sender.close();

        assertThat(UdpSegmentation.of(local)).isNull();
        assertThat(UdpSegmentation.of(new InetSocketAddress("127.0.0.2", receiver.getLocalPort())))
                .isNull();
    }

    @Test
    void aSizeThatTheKernelRefusesIsTold() throws IOException {
        sender.bind(new InetSocketAddress("127.0.0.1", 0));

        assertThat(UdpSegmentation.of(local()).segmentSize(70_000)).isFalse();
    }

    @Test
    void theNextSocketWithTheSameDescriptorIsLeftAlone() throws IOException {
        sender.bind(new InetSocketAddress("127.0.0.1", 0));
        UdpSegmentation segmentation = UdpSegmentation.of(local());
        sender.close();
        sender = DatagramChannel.open();
        sender.bind(new InetSocketAddress("127.0.0.1", 0));

        assertThat(segmentation.segmentSize(4)).isFalse();
        send("aaaabbbbcc");
        assertThat(receive(1)).containsExactly("aaaabbbbcc");
    }
}
