// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes MMDB files (MaxMind DB File Format Specification 2.0) with records of 32 bits. */
final class MmdbWriter {

    private static final int TEXT = 2;
    private static final int UINT16 = 5;
    private static final int UINT32 = 6;
    private static final int MAP = 7;
    private static final int UINT64 = 9;
    private static final int ARRAY = 11;

    /** Octets between the tree and the data. */
    private static final int SEPARATOR = 16;

    /** A node has two children: another node, or the offset of data. */
    private static final class Node {
        private final Node[] nodes = new Node[2];
        private final int[] data = {-1, -1};
        private int number;
    }

    private final String type;
    private final Node root = new Node();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    MmdbWriter(String type) {
        this.type = type;
    }

    /** Puts a record under a prefix; prefixes are not to overlap. */
    MmdbWriter add(String prefix, Map<String, Object> values) {
        String[] parts = prefix.split("/");
        byte[] octets = Batches.octets(parts[0]);
        byte[] address = new byte[16];
        System.arraycopy(octets, 0, address, 16 - octets.length, octets.length);
        int length = Integer.parseInt(parts[1]) + 8 * (16 - octets.length);
        int offset = data.size();
        write(data, values);
        Node node = root;
        for (int bit = 0; bit < length; bit++) {
            int side = address[bit / 8] >> 7 - bit % 8 & 1;
            if (bit == length - 1) {
                node.data[side] = offset;
            } else {
                if (node.nodes[side] == null) {
                    node.nodes[side] = new Node();
                }
                node = node.nodes[side];
            }
        }
        return this;
    }

    void write(Path file) {
        List<Node> nodes = new ArrayList<>();
        number(root, nodes);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (Node node : nodes) {
            for (int side = 0; side < 2; side++) {
                int record =
                        node.nodes[side] != null
                                ? node.nodes[side].number
                                : node.data[side] < 0
                                        ? nodes.size()
                                        : nodes.size() + SEPARATOR + node.data[side];
                number(out, record, 4);
            }
        }
        out.writeBytes(new byte[SEPARATOR]);
        out.writeBytes(data.toByteArray());
        out.writeBytes("\u00ab\u00cd\u00efMaxMind.com".getBytes(StandardCharsets.ISO_8859_1));
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("binary_format_major_version", (short) 2);
        metadata.put("binary_format_minor_version", (short) 0);
        metadata.put("build_epoch", 1_700_000_000L);
        metadata.put("database_type", type);
        metadata.put("description", Map.of("en", "made by a test"));
        metadata.put("ip_version", (short) 6);
        metadata.put("languages", List.of("en"));
        metadata.put("node_count", nodes.size());
        metadata.put("record_size", (short) 32);
        write(out, metadata);
        try {
            Files.write(file, out.toByteArray());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void number(Node node, List<Node> nodes) {
        node.number = nodes.size();
        nodes.add(node);
        for (Node child : node.nodes) {
            if (child != null) {
                number(child, nodes);
            }
        }
    }

    private static void number(ByteArrayOutputStream out, long value, int octets) {
        for (int i = octets - 1; i >= 0; i--) {
            out.write((int) (value >> 8 * i));
        }
    }

    private static void write(ByteArrayOutputStream out, Object value) {
        if (value instanceof Map<?, ?> map) {
            control(out, MAP, map.size());
            map.forEach(
                    (key, each) -> {
                        write(out, key);
                        write(out, each);
                    });
        } else if (value instanceof List<?> list) {
            control(out, ARRAY, list.size());
            list.forEach(each -> write(out, each));
        } else if (value instanceof String text) {
            byte[] octets = text.getBytes(StandardCharsets.UTF_8);
            control(out, TEXT, octets.length);
            out.writeBytes(octets);
        } else if (value instanceof Short number) {
            control(out, UINT16, 2);
            number(out, number, 2);
        } else if (value instanceof Integer number) {
            control(out, UINT32, 4);
            number(out, number, 4);
        } else if (value instanceof Long number) {
            control(out, UINT64, 8);
            number(out, number, 8);
        } else {
            throw new IllegalArgumentException(String.valueOf(value));
        }
    }

    /** Type and size; types from 8 on are in an octet of their own. */
    private static void control(ByteArrayOutputStream out, int type, int size) {
        if (size >= 29 + 256) {
            throw new IllegalArgumentException(size + " octets");
        }
        int small = Math.min(size, 29);
        out.write(type < 8 ? type << 5 | small : small);
        if (type >= 8) {
            out.write(type - 7);
        }
        if (small == 29) {
            out.write(size - 29);
        }
    }
}
