// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/**
 * What {@link BpfProgram#testRun} runs a tc program on (BPF_PROG_TEST_RUN).
 *
 * @param packet a frame, from its Ethernet header on; the kernel wants at least 14 octets
 * @param repeat how many times to run the program, at least 1
 * @param mark the skb mark
 * @param ifindex the device of the skb, one of the calling thread's namespace; 0: its loopback
 *     device
 * @param ingressIfindex the device that the skb came in by, 0 if none
 * @param gsoSegs segments of a GSO packet, 0 if it is none
 * @param gsoSize payload octets of a segment, 0 if it is no GSO packet
 * @param wireLength octets of all segments together, 0: those of the packet
 */
public record TestRun(
        byte[] packet,
        int repeat,
        int mark,
        int ifindex,
        int ingressIfindex,
        int gsoSegs,
        int gsoSize,
        int wireLength) {

    /**
     * What came of it.
     *
     * @param retval the program's return value of the last run
     * @param durationNanos one run, the mean of all
     * @param packet the packet as the program left it
     */
    public record Result(int retval, long durationNanos, byte[] packet) {}

    /** One run, on an skb that only has a packet. */
    public static TestRun of(byte[] packet) {
        return new TestRun(packet, 1, 0, 0, 0, 0, 0, 0);
    }

    public TestRun repeat(int repeat) {
        return new TestRun(
                packet, repeat, mark, ifindex, ingressIfindex, gsoSegs, gsoSize, wireLength);
    }

    public TestRun mark(int mark) {
        return new TestRun(
                packet, repeat, mark, ifindex, ingressIfindex, gsoSegs, gsoSize, wireLength);
    }

    public TestRun ifindex(int ifindex) {
        return new TestRun(
                packet, repeat, mark, ifindex, ingressIfindex, gsoSegs, gsoSize, wireLength);
    }

    public TestRun ingressIfindex(int ingressIfindex) {
        return new TestRun(
                packet, repeat, mark, ifindex, ingressIfindex, gsoSegs, gsoSize, wireLength);
    }

    public TestRun gso(int segs, int size) {
        return new TestRun(packet, repeat, mark, ifindex, ingressIfindex, segs, size, wireLength);
    }

    public TestRun wireLength(int wireLength) {
        return new TestRun(
                packet, repeat, mark, ifindex, ingressIfindex, gsoSegs, gsoSize, wireLength);
    }
}
