// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.agent.AgentConfig.Collector;
import java.io.IOException;
import java.util.function.Consumer;

/** Sends once what somebody has, to the outputs of a configuration. */
public final class Transmitter {

    private Transmitter() {}

    /**
     * Sends the flows of a file to all collectors.
     *
     * @param told a line for each collector
     * @throws IOException saying why they can't be sent
     */
    public static void send(AgentConfig config, FlowFile flows, Consumer<String> told)
            throws IOException {
        byte[] messages = ExportedFile.encode(config, flows, System.currentTimeMillis());
        int records = flows.sets().stream().mapToInt(set -> set.records().size()).sum();
        for (Collector collector : config.collectors()) {
            int count = Datagrams.send(messages, collector);
            told.accept(
                    "%s: %d messages, with %d templates and %d records"
                            .formatted(
                                    collector.remote(), count, config.templates().size(), records));
        }
    }
}
