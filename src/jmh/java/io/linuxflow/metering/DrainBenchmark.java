// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.bpf.TestRun;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What it costs to get a flow out of kernel memory into a {@link io.linuxflow.flow.FlowBatch}, on
 * one core; figures are per flow. The grace period, which is waiting and not work, is left out.
 * Needs root.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {"-XX:+UseSerialGC", "-Xmn48m"})
public class DrainBenchmark {

    private static final int FLOWS = 100_000;
    private static final int LOOPBACK = 1;
    private static final int ETHERNET = 14;
    private static final int TCP_AT = ETHERNET + 20;

    @Param("4096")
    public int batchSize;

    private FlowMeterObject programs;
    private MappedMemory used;
    private SlotLog log;
    private KernelClock clock;
    private int ended;

    @Setup
    public void load() {
        MeterOptions options = MeterOptions.DEFAULT;
        programs = FlowMeterObject.load(options);
        log = new SlotLog(programs.object(), options.slots());
        clock = new KernelClock(programs.object(), options.clock());
        used = programs.object().global("slots_used");
        fill(programs.program(Direction.EGRESS, LinkLayer.ETHERNET));
        ended = log.flip();
    }

    private static void fill(BpfProgram program) {
        byte[] packet = new byte[60];
        packet[12] = 8; // IPv4
        packet[ETHERNET] = 0x45;
        packet[ETHERNET + 3] = 46;
        packet[ETHERNET + 8] = 64;
        packet[ETHERNET + 9] = 6;
        packet[TCP_AT + 12] = 0x50;
        for (int flow = 0; flow < FLOWS; flow++) {
            packet[ETHERNET + 15] = (byte) (flow >> 16);
            packet[TCP_AT] = (byte) (flow >> 8);
            packet[TCP_AT + 1] = (byte) flow;
            program.testRun(TestRun.of(packet).ifindex(LOOPBACK));
        }
    }

    @Benchmark
    @OperationsPerInvocation(FLOWS)
    public void drain(Blackhole batches) {
        // The flows are still there, only the counter was reset by the last drain.
        used.putIntRelease((ended & 1) * used.size() / 2, FLOWS);
        log.drain(ended, clock.now(), 2, batchSize, 0, batches::consume);
    }

    @TearDown
    public void close() {
        log.close();
        programs.close();
    }
}
