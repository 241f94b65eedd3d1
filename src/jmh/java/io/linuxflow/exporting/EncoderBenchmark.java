// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.ipfix.MessageWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to turn a flow record into IPFIX; figures are per flow. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EncoderBenchmark {

    private static final int FLOWS = 4096;

    /**
     * The default elements, and 17 of them, 60 octets a record; then the default with numbers and
     * addresses that come out of columns, and with a text.
     */
    @Param({
        FieldList.DEFAULT_ELEMENTS,
        "sourceIPv4Address,destinationIPv4Address,sourceTransportPort,destinationTransportPort,"
                + "protocolIdentifier,ipClassOfService,tcpControlBits,ingressInterface,"
                + "egressInterface,octetDeltaCount,packetDeltaCount,flowStartMilliseconds,"
                + "flowEndMilliseconds,minimumTTL,maximumTTL,ipVersion,flowDirection",
        FieldList.DEFAULT_ELEMENTS
                + ",bgpSourceAsNumber,bgpDestinationAsNumber,sourceIPv4PrefixLength,"
                + "ipNextHopIPv4Address",
        FieldList.DEFAULT_ELEMENTS + ",interfaceName"
    })
    public String fields;

    /** Of a hundred flows, how many are IPv6. */
    @Param({"0", "30"})
    public int ipv6;

    private ExportingProcess process;
    private FlowBatch batch;
    private final MessageWriter out = new MessageWriter();

    @Setup
    public void setup() {
        process =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse(fields),
                                ExportOptions.DEFAULT_MAX_MESSAGE_LENGTH,
                                Duration.ofSeconds(60),
                                1));
        byte[] records = new byte[FLOWS * FlowLayout.SIZE];
        Random random = new Random(1);
        random.nextBytes(records);
        for (int at = 0; at < records.length; at += FlowLayout.SIZE) {
            records[at + FlowLayout.IP_VERSION] = (byte) (random.nextInt(100) < ipv6 ? 6 : 4);
            records[at + FlowLayout.PROTOCOL] = 6;
            FlowLayout.LONG.set(records, at + FlowLayout.FIRST, 1_700_000_000_000_000_000L);
            FlowLayout.LONG.set(records, at + FlowLayout.LAST, 1_700_000_000_000_000_000L);
        }
        batch = new FlowBatch(records, FLOWS, 0);
        batch =
                batch.with(
                        List.of(
                                column("bgpSourceAsNumber", Column.Type.UNSIGNED, new byte[4]),
                                column("bgpDestinationAsNumber", Column.Type.UNSIGNED, new byte[4]),
                                column("sourceIPv4PrefixLength", Column.Type.UNSIGNED, new byte[1]),
                                column("sourceIPv6PrefixLength", Column.Type.UNSIGNED, new byte[1]),
                                column("ipNextHopIPv4Address", Column.Type.ADDRESS, new byte[4]),
                                column("ipNextHopIPv6Address", Column.Type.ADDRESS, new byte[16]),
                                column(
                                        "interfaceName",
                                        Column.Type.TEXT,
                                        "eth0".getBytes(StandardCharsets.UTF_8),
                                        "wlan0.100".getBytes(StandardCharsets.UTF_8))));
    }

    /** The values, to flow after flow. */
    private static Column column(String name, Column.Type type, byte[]... values) {
        byte[][] column = new byte[FLOWS][];
        for (int i = 0; i < FLOWS; i++) {
            column[i] = values[i % values.length];
        }
        return new Column(name, type, column);
    }

    @Benchmark
    @OperationsPerInvocation(FLOWS)
    public int encode() {
        out.clear();
        process.encode(batch, 1_700_000_000_000L, out);
        return out.length();
    }

    /** For comparison: the records as they are, copied. */
    @Benchmark
    @OperationsPerInvocation(FLOWS)
    public byte[] copy() {
        return batch.records().clone();
    }
}
