// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;

import io.linuxflow.bpf.LibBpf.MapCreateOpts;

/**
 * Waits until every BPF program that is running now has returned: an RCU grace period.
 *
 * <p>The kernel waits for one at the end of each update of a map of maps, so that whoever replaced
 * an inner map knows that nobody uses the old one any more (maybe_wait_bpf_programs() in
 * kernel/bpf/syscall.c). So updating a map that nobody reads is all it takes. membarrier(2) with
 * MEMBARRIER_CMD_GLOBAL waits as long, but not on one CPU, and not on nohz_full kernels.
 */
public final class GracePeriod {

    private static final byte[] KEY = new byte[Integer.BYTES];

    private static MapOfMaps unread;

    private GracePeriod() {}

    /** Returns after a grace period. Memory that programs wrote before it is visible afterwards. */
    public static void await() {
        MapOfMaps map = unread();
        LibBpf.check(
                "wait for an RCU grace period",
                libbpf().bpf_map_update_elem(map.outer, KEY, map.inner, LibBpf.BPF_ANY));
    }

    private static synchronized MapOfMaps unread() {
        if (unread == null) {
            unread = new MapOfMaps();
        }
        return unread;
    }

    /** Lives as long as the process. */
    private static final class MapOfMaps {
        final byte[] inner;
        final int outer;

        MapOfMaps() {
            int innerFd = create(LibBpf.BPF_MAP_TYPE_ARRAY, new MapCreateOpts());
            inner = Netlink.allocate(Integer.BYTES).putInt(innerFd).array();
            MapCreateOpts opts = new MapCreateOpts();
            opts.inner_map_fd.set(innerFd);
            outer = create(LibBpf.BPF_MAP_TYPE_ARRAY_OF_MAPS, opts);
        }

        private static int create(int type, MapCreateOpts opts) {
            return LibBpf.check(
                    "create a map to wait for grace periods with",
                    opts.pass(
                            o ->
                                    libbpf().bpf_map_create(
                                                    type,
                                                    "grace_period",
                                                    Integer.BYTES,
                                                    Integer.BYTES,
                                                    1,
                                                    o)));
        }
    }
}
