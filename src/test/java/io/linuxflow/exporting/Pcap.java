// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A capture file of UDP datagrams over IPv4, as if seen on a wire without a link layer. */
final class Pcap {

    static final int COLLECTOR_PORT = 4739;

    private static final int MAGIC = 0xa1b2c3d4;
    private static final int LINKTYPE_RAW = 101;
    private static final int HEADERS = 28;

    private Pcap() {}

    static void write(Path file, List<byte[]> datagrams) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(
                ByteBuffer.allocate(24)
                        .putInt(MAGIC)
                        .putShort((short) 2)
                        .putShort((short) 4)
                        .putLong(0)
                        .putInt(1 << 16)
                        .putInt(LINKTYPE_RAW)
                        .array());
        for (byte[] datagram : datagrams) {
            int length = HEADERS + datagram.length;
            out.writeBytes(
                    ByteBuffer.allocate(16)
                            .putInt((int) (Flows.TIME / 1_000_000_000))
                            .putInt(0)
                            .putInt(length)
                            .putInt(length)
                            .array());
            out.writeBytes(headers(datagram.length));
            out.writeBytes(datagram);
        }
        Files.write(file, out.toByteArray());
    }

    /** IPv4 from 192.0.2.1 to 192.0.2.2 and UDP; nobody checks the sums. */
    private static byte[] headers(int payload) {
        return ByteBuffer.allocate(HEADERS)
                .put((byte) 0x45)
                .put((byte) 0)
                .putShort((short) (HEADERS + payload))
                .putInt(0)
                .put((byte) 64)
                .put((byte) Flows.UDP)
                .putShort((short) 0)
                .putInt(0xc0000201)
                .putInt(0xc0000202)
                .putShort((short) 40000)
                .putShort((short) COLLECTOR_PORT)
                .putShort((short) (8 + payload))
                .putShort((short) 0)
                .array();
    }
}
