// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;

import io.linuxflow.bpf.LibBpf.ProgInfo;
import io.linuxflow.bpf.LibBpf.SkBuff;
import io.linuxflow.bpf.LibBpf.TestRunOpts;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/** A program of a loaded {@link BpfObject}, valid until that is closed. Safe across threads. */
public final class BpfProgram {

    /** Room for a program that prepends headers. */
    private static final int HEADROOM = 256;

    private final String object;
    private final String name;
    private final int fd;

    BpfProgram(String object, String name, int fd) {
        this.object = object;
        this.name = name;
        this.fd = fd;
    }

    String name() {
        return name;
    }

    /** The name of the object that it is in. */
    String object() {
        return object;
    }

    /** The file descriptor. */
    public int fd() {
        return fd;
    }

    /** The kernel's id of it, as {@code bpftool prog} shows it. */
    public int id() {
        return new ProgInfo(fd).id.intValue();
    }

    /**
     * Runs a program of type syscall.
     *
     * @return its return value
     */
    public int run() {
        TestRunOpts opts = new TestRunOpts();
        LibBpf.check("run the program " + name, testRun(opts));
        return opts.retval.intValue();
    }

    /** Runs the program on a packet that never was on a wire. The program has to be of type tc. */
    public TestRun.Result testRun(TestRun run) {
        int length = run.packet().length;
        Pointer in = Memory.allocateDirect(LibC.runtime(), Math.max(1, length));
        in.put(0, run.packet(), 0, length);
        Pointer out = Memory.allocateDirect(LibC.runtime(), length + HEADROOM);
        SkBuff skb = new SkBuff();
        skb.mark.set(Integer.toUnsignedLong(run.mark()));
        skb.ifindex.set(run.ifindex());
        skb.ingress_ifindex.set(run.ingressIfindex());
        skb.gso_segs.set(run.gsoSegs());
        skb.gso_size.set(run.gsoSize());
        skb.wire_len.set(run.wireLength());
        TestRunOpts opts = new TestRunOpts();
        opts.point(opts.data_in, in);
        opts.data_size_in.set(length);
        opts.point(opts.data_out, out);
        opts.data_size_out.set(length + HEADROOM);
        opts.ctx_size_in.set(skb.size());
        opts.repeat.set(run.repeat());
        int result =
                skb.pass(
                        context -> {
                            opts.ctx_in.set(context);
                            return testRun(opts);
                        });
        LibBpf.check("test run the program " + name + " on " + length + " octets", result);
        byte[] packet = new byte[opts.data_size_out.intValue()];
        out.get(0, packet, 0, packet.length);
        return new TestRun.Result(opts.retval.intValue(), opts.duration.get(), packet);
    }

    private int testRun(TestRunOpts opts) {
        return opts.pass(o -> libbpf().bpf_prog_test_run_opts(fd, o));
    }
}
