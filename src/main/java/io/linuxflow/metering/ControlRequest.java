// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.flow.Prefix;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UTFDataFormatException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * What is asked of a running meter, over the Unix domain socket that it listens at: {@code
 * /run/linux-flow-exporter/PID-RANDOM.sock}. A connection is one request and its answer, in the
 * forms of {@link java.io.DataOutput}:
 *
 * <pre>
 * request  UTF version, UTF command, long namespace, filter
 * filter   int count or -1, count times int ifindex; int protocol;
 *          UTF source prefix or "", int port; UTF destination prefix or "", int port
 * answer   UTF problem, "" if there is none; then, for each meter of the namespace,
 *          boolean true, int number of its slots map, and
 *              dump            int observation domain,
 *                              int flows in the kernel, int flows in the cache, their records
 *              flush, discard  long flows, long packets, long octets
 *          boolean false
 * </pre>
 *
 * Records have the layout of {@link FlowLayout}, so the version depends on that too.
 *
 * @param namespace the {@link io.linuxflow.bpf.NetworkNamespace#currentCookie} of the one meant
 * @param which the flows that are meant
 */
record ControlRequest(Command command, long namespace, FlowFilter which) {

    /** Only its owner may enter it. */
    static final Path DIRECTORY = Path.of("/run/linux-flow-exporter");

    static final String VERSION = "1-" + layout();

    enum Command {
        /** Show them. */
        DUMP,
        /** Export them. */
        FLUSH,
        /** Throw them away. */
        DISCARD
    }

    private static String layout() {
        CRC32 layout = new CRC32();
        layout.update(FlowLayout.MEMBERS.toString().getBytes(StandardCharsets.UTF_8));
        return "%08x".formatted(layout.getValue());
    }

    void write(DataOutputStream out) throws IOException {
        out.writeUTF(VERSION);
        out.writeUTF(command.name().toLowerCase(Locale.ROOT));
        out.writeLong(namespace);
        out.writeInt(which.interfaces() == null ? -1 : which.interfaces().size());
        if (which.interfaces() != null) {
            for (int ifindex : which.interfaces()) {
                out.writeInt(ifindex);
            }
        }
        out.writeInt(which.protocol());
        out.writeUTF(text(which.source()));
        out.writeInt(which.sourcePort());
        out.writeUTF(text(which.destination()));
        out.writeInt(which.destinationPort());
        out.flush();
    }

    /**
     * Reads a request.
     *
     * @throws IllegalArgumentException saying why it is none that can be answered
     * @throws IOException if nobody is there to be told
     */
    static ControlRequest read(DataInputStream in) throws IOException {
        try {
            String version = in.readUTF();
            if (!version.equals(VERSION)) {
                throw new IllegalArgumentException(
                        "it speaks version %s of the control protocol, not %s: use its own flowctl"
                                .formatted(VERSION, version));
            }
            Command command = Command.valueOf(in.readUTF().toUpperCase(Locale.ROOT));
            return new ControlRequest(
                    command,
                    in.readLong(),
                    new FlowFilter(
                            interfaces(in),
                            in.readInt(),
                            prefix(in.readUTF()),
                            in.readInt(),
                            prefix(in.readUTF()),
                            in.readInt()));
        } catch (UTFDataFormatException e) {
            throw new IllegalArgumentException("no request of flowctl", e);
        }
    }

    private static Set<Integer> interfaces(DataInputStream in) throws IOException {
        int count = in.readInt();
        if (count < 0) {
            return null;
        }
        Set<Integer> interfaces = new HashSet<>();
        for (int i = 0; i < count; i++) {
            interfaces.add(in.readInt());
        }
        return interfaces;
    }

    private static String text(Prefix prefix) {
        return prefix == null ? "" : prefix.toString();
    }

    private static Prefix prefix(String text) {
        return text.isEmpty() ? null : Prefix.parse(text);
    }
}
