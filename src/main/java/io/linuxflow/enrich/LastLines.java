// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The last lines of a text, on one. */
final class LastLines {

    private static final int LINES = 5;
    private static final int MAX_OCTETS = 1000;

    private final byte[] tail = new byte[MAX_OCTETS];
    private long length;

    /** Reads to the end; keeps what is needed of it. */
    Void read(InputStream in) throws IOException {
        byte[] buffer = new byte[1024];
        for (int read; (read = in.read(buffer)) >= 0; ) {
            add(buffer, read);
        }
        return null;
    }

    private synchronized void add(byte[] octets, int count) {
        for (int i = 0; i < count; i++) {
            tail[(int) (length++ % MAX_OCTETS)] = octets[i];
        }
    }

    @Override
    public synchronized String toString() {
        int size = (int) Math.min(length, MAX_OCTETS);
        byte[] octets = new byte[size];
        for (int i = 0; i < size; i++) {
            octets[i] = tail[(int) ((length - size + i) % MAX_OCTETS)];
        }
        List<String> lines =
                new String(octets, StandardCharsets.UTF_8)
                        .lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .toList();
        return String.join(" / ", lines.subList(Math.max(0, lines.size() - LINES), lines.size()));
    }
}
