// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;
import static io.linuxflow.bpf.LibC.libc;

import io.linuxflow.bpf.LibBpf.MapInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Pointer;

/**
 * A BPF map: of a loaded {@link BpfObject} and valid until that is closed, or {@link #open}ed from
 * where it is pinned. Keys and values are the octets that the program sees, integers in host byte
 * order. Safe across threads.
 */
public final class BpfMap implements AutoCloseable {

    /** What a program relies on. */
    record Shape(int type, int keySize, int valueSize, int flags) {
        /** Of a map of an object that is not loaded yet. */
        static Shape of(Pointer map) {
            return new Shape(
                    libbpf().bpf_map__type(map),
                    libbpf().bpf_map__key_size(map),
                    libbpf().bpf_map__value_size(map),
                    libbpf().bpf_map__map_flags(map));
        }
    }

    private static final int VALUE_ALIGNMENT = 8;

    private final String name;
    private final int fd;
    private final boolean owned;
    private final Shape shape;
    private final int maxEntries;
    private boolean closed;

    /**
     * @param owned whether closing the map closes the file descriptor
     */
    BpfMap(String name, int fd, boolean owned) {
        this.name = name;
        this.fd = fd;
        this.owned = owned;
        MapInfo info = new MapInfo(fd);
        shape =
                new Shape(
                        info.type.intValue(),
                        info.key_size.intValue(),
                        info.value_size.intValue(),
                        info.map_flags.intValue());
        maxEntries = info.max_entries.intValue();
    }

    /** Opens a map that is pinned. */
    public static BpfMap open(Path pinned) {
        return new BpfMap(pinned.toString(), BpfFileSystem.open(pinned, "map"), true);
    }

    /**
     * Opens a map by the kernel's number of it, as {@link LoadedProgram#mapIds} has it.
     *
     * @return null if it is gone
     */
    public static BpfMap ofId(int id) {
        int fd = libbpf().bpf_map_get_fd_by_id(id);
        if (fd == -LibC.ENOENT) {
            return null;
        }
        LibBpf.check("open the map " + id, fd);
        return new BpfMap(new MapInfo(fd).name.get(), fd, true);
    }

    /** The kernel's number of it. */
    public int id() {
        return new MapInfo(fd).id.intValue();
    }

    /** What the program calls it, or where it is pinned; the kernel keeps 15 characters. */
    public String name() {
        return name;
    }

    Shape shape() {
        return shape;
    }

    /** The file descriptor. */
    public int fd() {
        return fd;
    }

    /** Octets of a key. */
    public int keySize() {
        return shape.keySize;
    }

    /** Octets of a value; of one CPU's value in a per-CPU map. */
    public int valueSize() {
        return shape.valueSize;
    }

    public int maxEntries() {
        return maxEntries;
    }

    /**
     * Looks a value up.
     *
     * @return the value, null if the key is absent. Of a per-CPU map the values of all possible
     *     CPUs, each padded to a multiple of 8 octets.
     */
    public byte[] lookup(byte[] key) {
        checkSize("key", shape.keySize, key);
        byte[] value = new byte[transferSize()];
        int result = libbpf().bpf_map_lookup_elem(fd, key, value);
        if (result == -LibC.ENOENT) {
            return null;
        }
        LibBpf.check("look up in the map " + name, result);
        return value;
    }

    /** Inserts or overwrites a value, which has the form that {@link #lookup} returns it in. */
    public void update(byte[] key, byte[] value) {
        checkSize("key", shape.keySize, key);
        checkSize("value", transferSize(), value);
        LibBpf.check(
                "update the map " + name,
                libbpf().bpf_map_update_elem(fd, key, value, LibBpf.BPF_ANY));
    }

    /**
     * Deletes an entry.
     *
     * @return false if there was none
     */
    public boolean delete(byte[] key) {
        checkSize("key", shape.keySize, key);
        int result = libbpf().bpf_map_delete_elem(fd, key);
        if (result == -LibC.ENOENT) {
            return false;
        }
        LibBpf.check("delete from the map " + name, result);
        return true;
    }

    /** The keys; complete only if nobody deletes meanwhile. */
    public List<byte[]> keys() {
        List<byte[]> keys = new ArrayList<>();
        byte[] key = null;
        // A deletion may send the walk back to the start, so it must be bounded.
        while (keys.size() < maxEntries) {
            byte[] next = new byte[shape.keySize];
            int result = libbpf().bpf_map_get_next_key(fd, key, next);
            if (result == -LibC.ENOENT) {
                break;
            }
            LibBpf.check("walk the map " + name, result);
            keys.add(next);
            key = next;
        }
        return keys;
    }

    /**
     * Maps all values into memory: value i is at i times the value size rounded up to a multiple of
     * 8. The map has to be an array made with BPF_F_MMAPABLE.
     */
    public MappedMemory mmap(boolean writable) {
        return MappedMemory.of(name, fd, (long) align(shape.valueSize) * maxEntries, writable);
    }

    /** Pins the map, so that it outlives this process. Missing directories are created. */
    public void pin(Path path) {
        BpfFileSystem.pin("map " + name, fd, path);
    }

    /** Does nothing to a map of a {@link BpfObject}, which closes its maps itself. */
    @Override
    public void close() {
        if (owned && !closed) {
            closed = true;
            LibC.check("close the map " + name, libc().close(fd));
        }
    }

    private int transferSize() {
        return switch (shape.type) {
            case LibBpf.BPF_MAP_TYPE_PERCPU_HASH,
                    LibBpf.BPF_MAP_TYPE_PERCPU_ARRAY,
                    LibBpf.BPF_MAP_TYPE_LRU_PERCPU_HASH ->
                    align(shape.valueSize) * libbpf().libbpf_num_possible_cpus();
            default -> shape.valueSize;
        };
    }

    private static int align(int size) {
        return (size + VALUE_ALIGNMENT - 1) & -VALUE_ALIGNMENT;
    }

    /** libbpf reads and writes as much as the kernel says, whatever the array's length. */
    private void checkSize(String what, int expected, byte[] octets) {
        if (octets.length != expected) {
            throw new IllegalArgumentException(
                    String.format(
                            "a %s of the map %s has %d octets, not %d",
                            what, name, expected, octets.length));
        }
    }
}
