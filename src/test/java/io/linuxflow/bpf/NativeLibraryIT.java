// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hosts on which a native library cannot be loaded. */
class NativeLibraryIT {

    @TempDir Path directory;

    @Test
    void withoutLibbpfTheRemedyIsToInstallIt() {
        assertThat(
                        ChildJvm.run(
                                List.of(
                                        "unshare",
                                        "--mount",
                                        "sh",
                                        "-c",
                                        "for lib in $(ldconfig -p | awk '/libbpf.so/ {print $NF}');"
                                                + " do mount --bind /dev/null $lib; done;"
                                                + " exec \"$0\" \"$@\""),
                                "meter"))
                .startsWith("load the library libbpf.so.1: ")
                .endsWith("Install libbpf 1.x: apt install libbpf1, dnf install libbpf");
    }

    @Test
    void withoutAPlaceToUnpackTheRemedyIsToGiveOne() {
        assertThat(
                        ChildJvm.run(
                                List.of(
                                        "unshare",
                                        "--mount",
                                        "sh",
                                        "-c",
                                        "mount -t tmpfs -o noexec tmpfs "
                                                + directory
                                                + " && cd "
                                                + directory
                                                + " && TMPDIR=. exec env"
                                                + " JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=. \"$0\""
                                                + " \"$@\" 2>/dev/null"),
                                "links"))
                .startsWith("load the library c: ")
                .endsWith(
                        "Set java.io.tmpdir to a directory that is writable and not mounted"
                                + " noexec: jffi unpacks its native part there");
    }
}
