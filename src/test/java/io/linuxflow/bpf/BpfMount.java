// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The BPF file system where systemd mounts it; containers have none. */
public final class BpfMount {

    private static final Path WHERE = Path.of("/sys/fs/bpf");

    private BpfMount() {}

    /** Mounts it unless it is. It stays: other processes may have begun to use it. */
    public static void ensure() throws IOException {
        if (!Files.getFileStore(WHERE).type().equals("bpf")) {
            Command.run("mount -t bpf bpf " + WHERE);
        }
    }
}
