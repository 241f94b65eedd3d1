// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;

import io.linuxflow.bpf.LibBpf.ProgQueryOpts;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/**
 * A program at a tc hook of an interface, whoever attached it.
 *
 * @param ifindex an interface of the namespace of the thread that asked
 * @param hook TCX or CLSACT
 * @param programId what {@link LoadedProgram#ofId} takes
 * @param place of the clsact filter; null if it is none
 */
public record TcProgram(
        int ifindex, Direction direction, Hook hook, int programId, ClsactOptions place) {

    /** The most programs that a tcx hook can have (BPF_MPROG_MAX). */
    private static final int MAX_PROGRAMS = 64;

    /** Those at both kinds of hook of an interface of the calling thread's namespace. */
    public static List<TcProgram> list(int ifindex, Direction direction) {
        List<TcProgram> programs = new ArrayList<>();
        Pointer ids = Memory.allocateDirect(LibC.runtime(), MAX_PROGRAMS * Integer.BYTES);
        ProgQueryOpts opts = new ProgQueryOpts();
        opts.point(opts.prog_ids, ids);
        opts.prog_cnt.set(MAX_PROGRAMS);
        int type = direction == Direction.INGRESS ? LibBpf.BPF_TCX_INGRESS : LibBpf.BPF_TCX_EGRESS;
        int result = opts.pass(o -> libbpf().bpf_prog_query_opts(ifindex, type, o));
        if (result == -LibC.EPERM) {
            throw BpfException.of("ask for the programs of the interface " + ifindex, LibC.EPERM);
        }
        // A kernel without tcx refuses to be asked, and has none.
        if (result == 0) {
            for (int i = 0; i < opts.prog_cnt.intValue(); i++) {
                programs.add(
                        new TcProgram(
                                ifindex,
                                direction,
                                Hook.TCX,
                                ids.getInt((long) i * Integer.BYTES),
                                null));
            }
        }
        programs.addAll(new Clsact(NetworkNamespace.currentId(), ifindex).filters(direction));
        return programs;
    }

    /**
     * Removes a clsact filter of ours that no process holds.
     *
     * @return false if it is no clsact filter, or a process holds it
     */
    public boolean remove() {
        return hook == Hook.CLSACT && ClsactFilter.remove(ifindex, direction, place);
    }
}
