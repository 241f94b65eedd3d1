// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is pinned outlives the object it came from. */
class PinningIT {

    @TempDir Path directory;

    private VethLab lab;
    private NamespaceThread left;

    @BeforeEach
    void open() {
        Command.run("mount -t bpf bpf " + directory);
        lab = new VethLab();
        left = new NamespaceThread(lab.left());
    }

    @AfterEach
    void close() {
        left.close();
        lab.close();
        Command.run("umount " + directory);
    }

    private static BpfObject bridge() {
        return BpfObject.open(BpfObject.resource("bpf/bridge.bpf.o"), "bridge");
    }

    private TcAttachment attach(BpfObject object, Hook hook) {
        return left.call(
                () ->
                        TcAttachment.attach(
                                object.program("see"),
                                VethLab.ifindex(),
                                Direction.EGRESS,
                                hook,
                                ClsactOptions.CHOSEN));
    }

    @Test
    void anotherObjectTakesOverMapsAndLinkAndMissesNoPacket() {
        Path bss = directory.resolve("new/sub/bss");
        Path link = directory.resolve("new/sub/link");
        try (BpfObject first = bridge()) {
            first.load();
            first.map(".bss").pin(bss);
            try (TcAttachment attachment = attach(first, Hook.TCX)) {
                attachment.pin(link);
            }
            lab.send(10);
        }
        lab.send(10);

        try (BpfObject second = bridge();
                BpfMap pinned = BpfMap.open(bss)) {
            second.reuse(".bss", pinned).load();
            lab.send(10);
            try (TcAttachment attachment = TcAttachment.adopt(link, second.program("see"))) {
                lab.send(10);

                assertThat(second.global("seen").getLongAcquire(0)).isEqualTo(40);
                assertThat(attachment.isAttached()).isTrue();
                assertThat(attachment.hook()).isEqualTo(Hook.TCX);
            }
        }
    }

    @Test
    void withoutItsPinALinkIsDetached() throws IOException {
        Path link = directory.resolve("link");
        try (BpfObject object = bridge()) {
            object.load();
            try (TcAttachment attachment = attach(object, Hook.TCX)) {
                attachment.pin(link);
            }
            Files.delete(link);

            // The kernel lets go of it a while later.
            await().until(() -> programs().isEmpty());
            lab.send(10);

            assertThat(object.global("seen").getLongAcquire(0)).isZero();
        }
    }

    private List<TcProgram> programs() {
        return left.call(() -> TcProgram.list(VethLab.ifindex(), Direction.EGRESS));
    }

    @Test
    void removingAPinDetachesThoughTheLinkIsHeld() {
        Path link = directory.resolve("link");
        try (BpfObject object = bridge()) {
            object.load();
            try (TcAttachment attachment = attach(object, Hook.TCX)) {
                attachment.pin(link);
                assertThat(programs())
                        .extracting(TcProgram::programId)
                        .containsExactly(object.program("see").id());

                TcAttachment.remove(link);

                assertThat(attachment.isAttached()).isFalse();
                assertThat(programs()).isEmpty();
                assertThat(link).doesNotExist();
            }
        }
    }

    @Test
    void aFilterIsRemovedByOthersOnlyOnceItsProcessHasLeftIt() {
        try (BpfObject object = bridge()) {
            object.load();
            TcAttachment attachment = attach(object, Hook.CLSACT);
            TcProgram filter = programs().get(0);
            assertThat(filter.hook()).isEqualTo(Hook.CLSACT);
            assertThat(LoadedProgram.ofId(filter.programId()).name()).isEqualTo("see");

            assertThat(left.<Boolean>call(filter::remove)).isFalse();
            left.run(attachment::leave);
            assertThat(programs()).containsExactly(filter);
            assertThat(left.<Boolean>call(filter::remove)).isTrue();
            assertThat(programs()).isEmpty();
        }
    }

    @Test
    void aLinkWhoseInterfaceIsGoneCannotBeTakenOver() {
        Path link = directory.resolve("link");
        try (BpfObject object = bridge()) {
            object.load();
            attach(object, Hook.TCX).pin(link);
            lab.unplug();

            assertThatThrownBy(() -> TcAttachment.adopt(link, object.program("see")))
                    .isInstanceOf(BpfException.class)
                    .hasMessageStartingWith("run see by the pinned link " + link + ": ")
                    .hasMessageEndingWith("Its interface is gone, or it is no tc link: remove it");
        }
    }

    @Test
    void aClsactFilterCannotBePinned() {
        try (BpfObject object = bridge()) {
            object.load();
            TcAttachment attachment = attach(object, Hook.CLSACT);

            assertThatThrownBy(() -> attachment.pin(directory.resolve("link")))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void aPinnedMapKeepsItsContents() {
        Path path = directory.resolve("map");
        byte[] key = {1, 0, 0, 0};
        byte[] value = {1, 2, 3, 4, 5, 6, 7, 8};
        try (BpfObject object = bridge()) {
            object.load();
            object.map("hash").update(key, value);
            object.map("hash").pin(path);
        }

        try (BpfMap map = BpfMap.open(path)) {
            assertThat(map.lookup(key)).isEqualTo(value);
            assertThat(map.maxEntries()).isEqualTo(4);
        }
    }

    @Test
    void aMapOfAnotherShapeIsNotReused() {
        Path path = directory.resolve("map");
        try (BpfObject first = bridge();
                BpfObject second = bridge()) {
            first.load();
            first.map("hash").pin(path);
            try (BpfMap pinned = BpfMap.open(path)) {
                assertThatThrownBy(() -> second.reuse("mappable", pinned))
                        .isInstanceOf(BpfException.class)
                        .hasMessage(
                                "reuse %s as the map mappable of bridge: Shape[type=1, keySize=4,"
                                    + " valueSize=8, flags=0] is not Shape[type=2, keySize=4,"
                                    + " valueSize=12, flags=1024]. It is of another version: remove"
                                    + " it",
                                path);
            }
        }
    }

    @Test
    void outsideABpfFileSystemNothingIsPinnedOrCreated(@TempDir Path plain) {
        try (BpfObject object = bridge()) {
            object.load();

            assertThatThrownBy(() -> object.map("hash").pin(plain.resolve("sub/map")))
                    .isInstanceOf(BpfException.class)
                    .hasMessage(
                            "pin the map hash as %s: %s is not a BPF file system. Mount one: mount"
                                    + " -t bpf bpf /sys/fs/bpf; ip netns exec hides it, so name"
                                    + " interfaces NETNS:DEV from outside instead",
                            plain.resolve("sub/map"), plain);
        }
        assertThat(plain).isEmptyDirectory();
    }

    @Test
    void whatIsPinnedIsNotOverwritten() {
        Path path = directory.resolve("map");
        try (BpfObject object = bridge()) {
            object.load();
            object.map("hash").pin(path);

            assertThatThrownBy(() -> object.map("hash").pin(path))
                    .isInstanceOf(BpfException.class)
                    .hasMessageContaining(
                            "File exists (EEXIST). Something is pinned there already");
        }
    }

    @Test
    void openingWhatIsNotThereOrSomethingElseIsAnError() {
        Path path = directory.resolve("map");
        assertThatThrownBy(() -> BpfMap.open(path))
                .isInstanceOf(BpfException.class)
                .hasMessage(
                        "open the pinned map "
                                + path
                                + ": No such file or directory (ENOENT). Nothing is pinned there");
        try (BpfObject object = bridge()) {
            object.load();
            object.map("hash").pin(path);

            assertThatThrownBy(() -> TcAttachment.adopt(path, object.program("see")))
                    .isInstanceOf(BpfException.class)
                    .hasMessageContaining("it is no link but anon_inode:bpf-map");
        }
    }
}
