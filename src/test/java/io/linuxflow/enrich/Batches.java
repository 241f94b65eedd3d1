// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Batches of made-up flows, and what columns hold as text. */
final class Batches {

    private byte[] records = new byte[0];
    private int size;

    /** A flow from one address to another, metered at egress, from interface 0 to 0. */
    Batches flow(String source, String destination) {
        return flow(source, destination, 0, 0, 1, 0);
    }

    Batches flow(
            String source, String destination, int ingress, int egress, int direction, int mark) {
        int at = size++ * FlowLayout.SIZE;
        records = Arrays.copyOf(records, size * FlowLayout.SIZE);
        address(at + FlowLayout.SOURCE_ADDRESS, source);
        address(at + FlowLayout.DESTINATION_ADDRESS, destination);
        records[at + FlowLayout.IP_VERSION] = (byte) (source.contains(":") ? 6 : 4);
        FlowLayout.INT.set(records, at + FlowLayout.INGRESS_IFINDEX, ingress);
        FlowLayout.INT.set(records, at + FlowLayout.EGRESS_IFINDEX, egress);
        FlowLayout.INT.set(records, at + FlowLayout.MARK, mark);
        records[at + FlowLayout.DIRECTION] = (byte) direction;
        return this;
    }

    FlowBatch batch() {
        return new FlowBatch(records.clone(), size, 0);
    }

    /** A flow of this source and destination. */
    static FlowBatch of(String source, String destination) {
        return new Batches().flow(source, destination).batch();
    }

    private void address(int at, String text) {
        byte[] octets = octets(text);
        if (octets.length == 4) {
            records[at + 10] = records[at + 11] = (byte) 0xff;
        }
        System.arraycopy(octets, 0, records, at + 16 - octets.length, octets.length);
    }

    static byte[] octets(String address) {
        try {
            return InetAddress.getByName(address).getAddress();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** The names of the columns in which some flow has a value. */
    static List<String> known(FlowBatch batch) {
        return batch.columns().stream()
                .map(Column::name)
                .filter(
                        name ->
                                IntStream.range(0, batch.size())
                                        .anyMatch(flow -> value(batch, name, flow) != null))
                .toList();
    }

    /** The value of a flow in words; null if there is no column of that name, or no value. */
    static String value(FlowBatch batch, String column, int flow) {
        Column found = batch.column(column);
        byte[] value = found == null ? null : found.value(flow);
        if (value == null) {
            return null;
        }
        return switch (found.type()) {
            case TEXT, JSON -> new String(value, StandardCharsets.UTF_8);
            case UNSIGNED ->
                    switch (value.length) {
                        case 1 -> String.valueOf(Byte.toUnsignedInt(value[0]));
                        case 4 -> Integer.toUnsignedString(ByteBuffer.wrap(value).getInt());
                        default -> throw new AssertionError(value.length + " octets");
                    };
            case ADDRESS -> {
                try {
                    yield InetAddress.getByAddress(value).getHostAddress();
                } catch (UnknownHostException e) {
                    throw new AssertionError(e);
                }
            }
        };
    }

    /** The value of the first flow. */
    static String value(FlowBatch batch, String column) {
        return value(batch, column, 0);
    }
}
