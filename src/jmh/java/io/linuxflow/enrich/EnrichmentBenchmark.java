// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.io.BufferedWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What an enrichment costs a flow once all addresses are known; of 40,000 flows from and to 10,000
 * addresses each. The prefix table has as many prefixes as the Internet. Set-up says how long
 * reading it takes and how much memory it keeps.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 1,
        jvmArgs = {"-Xmx256m", "-Xmn32m", "-XX:+UseSerialGC"})
public class EnrichmentBenchmark {

    private static final int FLOWS = 1000;
    private static final int BATCHES = 40;
    private static final int ADDRESSES = 10_000;
    private static final int PREFIXES = 1_000_000;
    private static final int PREFIXES6 = 200_000;
    private static final int SYSTEMS = 80_000;

    @Param({"hostName", "interfaceNames", "reverseDns", "fib", "prefixTable"})
    public String name;

    private final Random random = new Random(1);
    private final byte[][] batches = new byte[BATCHES][];
    private Enrichment enrichment;
    private Path file;
    private int next;

    @Setup(Level.Trial)
    public void make() throws IOException {
        int[] sources = random.ints(ADDRESSES).map(EnrichmentBenchmark::unicast).toArray();
        int[] destinations = random.ints(ADDRESSES).map(EnrichmentBenchmark::unicast).toArray();
        for (int b = 0; b < BATCHES; b++) {
            byte[] records = new byte[FLOWS * FlowLayout.SIZE];
            for (int at = 0; at < records.length; at += FlowLayout.SIZE) {
                put(records, at + FlowLayout.SOURCE_ADDRESS, sources[random.nextInt(ADDRESSES)]);
                put(
                        records,
                        at + FlowLayout.DESTINATION_ADDRESS,
                        destinations[random.nextInt(ADDRESSES)]);
                records[at + FlowLayout.IP_VERSION] = 4;
                records[at + FlowLayout.DIRECTION] = 1;
                FlowLayout.INT.set(records, at + FlowLayout.INGRESS_IFINDEX, 1);
                FlowLayout.INT.set(records, at + FlowLayout.EGRESS_IFINDEX, 1 + random.nextInt(2));
            }
            batches[b] = records;
        }
        enrichment =
                switch (name) {
                    case "hostName" -> new HostName();
                    case "interfaceNames" -> new InterfaceNames();
                    case "reverseDns" -> {
                        ReverseDns dns = new ReverseDns();
                        // Nobody answers there, so nothing changes.
                        dns.setServer("127.0.0.1:9");
                        yield dns;
                    }
                    case "fib" -> new Fib();
                    case "prefixTable" -> table();
                    default -> throw new IllegalArgumentException(name);
                };
        for (int i = 0; i < BATCHES; i++) {
            enrich();
        }
    }

    private static int unicast(int address) {
        return (address & 0x7fffffff) % 0x5f000000 + 0x01000000;
    }

    private static void put(byte[] records, int at, int address) {
        records[at + 10] = records[at + 11] = (byte) 0xff;
        for (int i = 0; i < 4; i++) {
            records[at + 12 + i] = (byte) (address >> 24 - 8 * i);
        }
    }

    private PrefixTable table() throws IOException {
        file = Files.createTempFile("prefixes", ".csv");
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (int i = 0; i < PREFIXES + PREFIXES6; i++) {
                int system = random.nextInt(SYSTEMS);
                boolean ipv4 = i < PREFIXES;
                out.write(
                        ipv4
                                ? "%d.%d.%d.0/%d,"
                                        .formatted(
                                                1 + random.nextInt(223),
                                                random.nextInt(256),
                                                random.nextInt(256),
                                                random.nextInt(10) < 6
                                                        ? 24
                                                        : 16 + random.nextInt(8))
                                : "2a%02x:%x:%x::/%d,"
                                        .formatted(
                                                random.nextInt(20),
                                                random.nextInt(1 << 16),
                                                random.nextInt(16),
                                                random.nextBoolean()
                                                        ? 48
                                                        : 29 + random.nextInt(19)));
                out.write(system + ",10.0.0." + system % 4 + ",Autonomous System " + system + "\n");
            }
        }
        System.gc();
        long before = used();
        long begin = cpuMillis();
        PrefixTable table = new PrefixTable();
        table.setFile(file.toString());
        table.start();
        long millis = cpuMillis() - begin;
        System.gc();
        System.out.printf(
                "%,d prefixes are read in %,d ms of CPU time and take %,d KiB%n",
                table.status().prefixes(), millis, (used() - before) / 1024);
        return table;
    }

    private static long cpuMillis() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1_000_000;
    }

    private static long used() {
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Benchmark
    @OperationsPerInvocation(FLOWS)
    public FlowBatch enrich() {
        next = (next + 1) % BATCHES;
        return enrichment.enrich(new FlowBatch(batches[next], FLOWS, 0));
    }

    @TearDown(Level.Trial)
    public void remove() throws Exception {
        if (enrichment instanceof AutoCloseable closeable) {
            closeable.close();
        }
        if (file != null) {
            Files.delete(file);
        }
    }
}
