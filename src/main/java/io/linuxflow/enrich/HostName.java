// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The name of this host, as {@code uname -n} has it: column {@code hostName}. Tells exporters apart
 * where their flows are stored together.
 */
public final class HostName implements Enrichment {

    /** Unlike InetAddress.getLocalHost it asks no name server. */
    private static final Path KERNEL = Path.of("/proc/sys/kernel/hostname");

    /** It may be set while we run, by DHCP for instance. */
    private static final long LIFETIME = TimeUnit.MINUTES.toNanos(1);

    private record Name(byte[] octets, long readAt) {}

    private volatile Name name;

    @Override
    public FlowBatch enrich(FlowBatch batch) {
        return batch.with(batch.once(this, () -> columns(batch)));
    }

    private List<Column> columns(FlowBatch batch) {
        byte[][] values = new byte[batch.size()][];
        Arrays.fill(values, name());
        return List.of(new Column("hostName", Column.Type.TEXT, values));
    }

    private byte[] name() {
        Name known = name;
        long now = System.nanoTime();
        if (known == null || now - known.readAt > LIFETIME) {
            try {
                known = new Name(ColumnWriter.text(Files.readString(KERNEL).strip()), now);
            } catch (IOException e) {
                throw new UncheckedIOException("read the host name: " + e.getMessage(), e);
            }
            name = known;
        }
        return known.octets;
    }
}
