// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Autonomous systems of addresses, by the longest prefix in a file: columns {@code
 * bgpSourceAsNumber} (16), {@code bgpDestinationAsNumber} (17), {@code sourceAsName}, {@code
 * destinationAsName}; and of the destination {@code bgpNextHopIPv4Address} (18) or {@code
 * bgpNextHopIPv6Address} (63).
 *
 * <p>The file is read when the route starts, and again when it has changed. One that can't be read
 * again is reported, and what was read before stays.
 *
 * <p>Of two tables on the way, the later one's values count, and the earlier one's where that has
 * none: a large public table first, then one's own.
 */
public abstract sealed class AsTable implements Enrichment permits PrefixTable, AsDatabase {

    /**
     * A table as it is.
     *
     * @param prefixes how many it holds
     * @param modified milliseconds since 1970 UTC at which its file was written
     * @param failures how often the file had changed and could not be read
     */
    public record Status(long prefixes, long modified, long failures) {}

    private final String name;
    private final boolean hasNextHops;
    private final Duration interval;
    private String file;
    private volatile WatchedFile<AddressRanges<AutonomousSystem>> table;

    /**
     * @param name of the bean, and of the property that names its file
     * @param hasNextHops whether its file has them
     * @param interval how often to look whether the file has changed
     */
    AsTable(String name, boolean hasNextHops, Duration interval) {
        this.name = name;
        this.hasNextHops = hasNextHops;
        this.interval = interval;
    }

    /** Reads the file. */
    abstract AddressRanges<AutonomousSystem> load(Path path) throws IOException;

    @Override
    public void start() {
        table();
    }

    private WatchedFile<AddressRanges<AutonomousSystem>> table() {
        WatchedFile<AddressRanges<AutonomousSystem>> known = table;
        return known != null ? known : open();
    }

    private synchronized WatchedFile<AddressRanges<AutonomousSystem>> open() {
        if (table == null) {
            if (file == null || file.isBlank()) {
                throw new IllegalArgumentException(
                        "no file is named: set the property flow." + name);
            }
            table = new WatchedFile<>(Path.of(file), this::load, interval);
        }
        return table;
    }

    @Override
    public FlowBatch enrich(FlowBatch batch) {
        return batch.with(over(batch, batch.once(this, () -> columns(batch))));
    }

    /** Values of the batch show where the columns have none. */
    private static List<Column> over(FlowBatch batch, List<Column> columns) {
        List<Column> all = new ArrayList<>(columns);
        all.replaceAll(
                later -> {
                    Column earlier = batch.column(later.name());
                    if (earlier == null || earlier.isEmpty()) {
                        return later;
                    }
                    if (later.isEmpty()) {
                        return earlier;
                    }
                    byte[][] values = new byte[batch.size()][];
                    for (int i = 0; i < values.length; i++) {
                        values[i] = later.value(i) != null ? later.value(i) : earlier.value(i);
                    }
                    return new Column(later.name(), later.type(), values);
                });
        return all;
    }

    private List<Column> columns(FlowBatch batch) {
        AddressRanges<AutonomousSystem> ranges = table().content();
        int size = batch.size();
        Column.Type unsigned = Column.Type.UNSIGNED;
        ColumnWriter source = new ColumnWriter("bgpSourceAsNumber", unsigned, size);
        ColumnWriter destination = new ColumnWriter("bgpDestinationAsNumber", unsigned, size);
        ColumnWriter sourceName = new ColumnWriter("sourceAsName", Column.Type.TEXT, size);
        ColumnWriter destinationName =
                new ColumnWriter("destinationAsName", Column.Type.TEXT, size);
        Column.Type address = Column.Type.ADDRESS;
        ColumnWriter nextHop = new ColumnWriter("bgpNextHopIPv4Address", address, size);
        ColumnWriter nextHop6 = new ColumnWriter("bgpNextHopIPv6Address", address, size);
        byte[] records = batch.records();
        for (int i = 0, at = 0; i < size; i++, at += FlowLayout.SIZE) {
            AutonomousSystem from = find(ranges, records, at + FlowLayout.SOURCE_ADDRESS);
            if (from != null) {
                source.set(i, from.number());
                sourceName.set(i, from.name());
            }
            AutonomousSystem to = find(ranges, records, at + FlowLayout.DESTINATION_ADDRESS);
            if (to != null) {
                destination.set(i, to.number());
                destinationName.set(i, to.name());
                if (to.nextHop() != null) {
                    (to.nextHop().length == 4 ? nextHop : nextHop6).set(i, to.nextHop());
                }
            }
        }
        return hasNextHops
                ? ColumnWriter.columns(
                        source, destination, sourceName, destinationName, nextHop, nextHop6)
                : ColumnWriter.columns(source, destination, sourceName, destinationName);
    }

    private static AutonomousSystem find(
            AddressRanges<AutonomousSystem> ranges, byte[] records, int at) {
        return ranges.find(Addresses.high(records, at), Addresses.low(records, at));
    }

    /** Null before it is started. */
    public Status status() {
        WatchedFile<AddressRanges<AutonomousSystem>> started = table;
        return started == null
                ? null
                : new Status(started.content().prefixes(), started.modified(), started.failures());
    }

    public String getFile() {
        return file;
    }

    /** The file to read. */
    public void setFile(String file) {
        this.file = file;
    }
}
