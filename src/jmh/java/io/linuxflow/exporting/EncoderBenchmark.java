// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.ipfix.MessageWriter;
import java.time.Duration;
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

    /** The default elements, and 17 of them, 60 octets a record. */
    @Param({
        FieldList.DEFAULT_ELEMENTS,
        "sourceIPv4Address,destinationIPv4Address,sourceTransportPort,destinationTransportPort,"
                + "protocolIdentifier,ipClassOfService,tcpControlBits,ingressInterface,"
                + "egressInterface,octetDeltaCount,packetDeltaCount,flowStartMilliseconds,"
                + "flowEndMilliseconds,minimumTTL,maximumTTL,ipVersion,flowDirection"
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
