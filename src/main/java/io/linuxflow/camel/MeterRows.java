// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * The same counters and gauges for each row of a table whose rows come and go: what Micrometer's
 * MultiGauge is for one gauge. For one thread at a time.
 *
 * @param <R> what a row shows
 */
final class MeterRows<R> {

    /** Makes and registers the Micrometer meter of a column for one row. */
    private interface Column<R> {
        Meter register(Row<R> row, Tags tags);
    }

    private static final class Row<R> {
        private R shown;
        private List<Meter> meters;
    }

    private final MeterRegistry registry;
    private final Function<R, Tags> tags;
    private final List<Column<R>> columns = new ArrayList<>();
    private final Map<Tags, Row<R>> rows = new HashMap<>();

    /**
     * @param tags tells a row from others: the same keys for all rows
     */
    MeterRows(MeterRegistry registry, Function<R, Tags> tags) {
        this.registry = registry;
        this.tags = tags;
    }

    MeterRows<R> counter(String name, String description, ToDoubleFunction<R> value) {
        columns.add(
                (row, rowTags) ->
                        FunctionCounter.builder(name, row, r -> value.applyAsDouble(r.shown))
                                .description(description)
                                .tags(rowTags)
                                .register(registry));
        return this;
    }

    MeterRows<R> gauge(String name, String description, ToDoubleFunction<R> value) {
        columns.add(
                (row, rowTags) ->
                        Gauge.builder(name, row, r -> value.applyAsDouble(r.shown))
                                .description(description)
                                .tags(rowTags)
                                .register(registry));
        return this;
    }

    /** Shows these rows from now on, and no others. */
    void show(Collection<R> current) {
        Map<Tags, R> wanted = new HashMap<>();
        current.forEach(shown -> wanted.put(tags.apply(shown), shown));
        rows.entrySet()
                .removeIf(
                        row -> {
                            boolean gone = !wanted.containsKey(row.getKey());
                            if (gone) {
                                row.getValue().meters.forEach(registry::remove);
                            }
                            return gone;
                        });
        wanted.forEach((rowTags, shown) -> row(rowTags, shown).shown = shown);
    }

    private Row<R> row(Tags rowTags, R shown) {
        Row<R> known = rows.get(rowTags);
        if (known != null) {
            return known;
        }
        Row<R> fresh = new Row<>();
        fresh.shown = shown;
        fresh.meters = columns.stream().map(column -> column.register(fresh, rowTags)).toList();
        rows.put(rowTags, fresh);
        return fresh;
    }
}
