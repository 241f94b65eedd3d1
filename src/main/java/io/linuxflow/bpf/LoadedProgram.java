// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;
import static io.linuxflow.bpf.LibC.libc;

import io.linuxflow.bpf.LibBpf.ProgInfo;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/**
 * What the kernel tells of a program, whoever loaded it.
 *
 * @param id the kernel's number of it
 * @param name the first 15 characters of its name
 * @param loadedNanos when, in CLOCK_BOOTTIME
 * @param mapIds the maps it uses
 */
public record LoadedProgram(int id, String name, long loadedNanos, List<Integer> mapIds) {

    /** Ours have fewer. */
    private static final int MAX_MAPS = 64;

    /** All that are in the kernel. Needs CAP_SYS_ADMIN. */
    public static List<LoadedProgram> all() {
        List<LoadedProgram> all = new ArrayList<>();
        int[] id = {0};
        int result;
        while ((result = libbpf().bpf_prog_get_next_id(id[0], id)) == 0) {
            LoadedProgram program = ofId(id[0]);
            if (program != null) {
                all.add(program);
            }
        }
        if (result != -LibC.ENOENT) {
            LibBpf.check("list the programs in the kernel", result);
        }
        return all;
    }

    /** Null if it is gone. Needs CAP_SYS_ADMIN. */
    public static LoadedProgram ofId(int id) {
        int fd = libbpf().bpf_prog_get_fd_by_id(id);
        if (fd == -LibC.ENOENT) {
            return null;
        }
        LibBpf.check("open the program " + id, fd);
        try {
            Pointer ids = Memory.allocateDirect(LibC.runtime(), MAX_MAPS * Integer.BYTES);
            ProgInfo info = new ProgInfo(fd, ids, MAX_MAPS);
            List<Integer> mapIds = new ArrayList<>();
            for (int i = 0; i < Math.min(MAX_MAPS, info.nr_map_ids.intValue()); i++) {
                mapIds.add(ids.getInt((long) i * Integer.BYTES));
            }
            return new LoadedProgram(id, info.name.get(), info.load_time.get(), mapIds);
        } finally {
            libc().close(fd);
        }
    }
}
