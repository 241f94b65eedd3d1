// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;

import io.linuxflow.bpf.LibBpf.ObjectOpenOpts;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/**
 * A compiled BPF object: its programs, maps and variables. Open it, set its knobs and sizes, {@link
 * #load} it into the kernel, then use its programs and maps; all of them are gone with {@link
 * #close}, except for what is attached or pinned.
 *
 * <p>Not safe across threads; the programs and maps taken from it are.
 */
public final class BpfObject implements AutoCloseable {

    private static final String RODATA = ".rodata";
    private static final String BSS = ".bss";

    /** What libbpf itself takes. Memory that the kernel does not write to is never touched. */
    private static final int VERIFIER_LOG_SIZE = 16 << 20;

    private static final int DECISIVE_LINES = 3;

    private final String name;
    private final Pointer verifierLog;
    private Pointer object;
    private MappedMemory bss;
    private boolean loaded;

    private BpfObject(String name, Pointer object, Pointer verifierLog) {
        this.name = name;
        this.object = object;
        this.verifierLog = verifierLog;
    }

    /**
     * Parses an object; needs no privileges.
     *
     * @param elf the ELF file that clang wrote
     * @param name what the kernel and error messages call it
     */
    public static BpfObject open(byte[] elf, String name) {
        Pointer log = Memory.allocateDirect(LibC.runtime(), VERIFIER_LOG_SIZE, false);
        log.putByte(0, (byte) 0);
        byte[] cName = (name + '\0').getBytes(StandardCharsets.UTF_8);
        Pointer namePointer = Memory.allocateDirect(LibC.runtime(), cName.length);
        namePointer.put(0, cName, 0, cName.length);
        ObjectOpenOpts opts = new ObjectOpenOpts();
        opts.point(opts.object_name, namePointer);
        opts.point(opts.kernel_log_buf, log);
        opts.kernel_log_size.set(VERIFIER_LOG_SIZE);
        LibBpf.clearWarning();
        Pointer object = opts.pass(o -> libbpf().bpf_object__open_mem(elf, elf.length, o));
        if (object == null) {
            throw failure("open the BPF object " + name, LibC.errno(), "Is it a BPF ELF file?");
        }
        return new BpfObject(name, object, log);
    }

    /** The version of libbpf that is installed. */
    public static String libbpfVersion() {
        return libbpf().libbpf_version_string().replace("v", "");
    }

    /**
     * Reads an object from the class path.
     *
     * @param path for example {@code bpf/flowmeter.bpf.o}
     */
    public static byte[] resource(String path) {
        try (InputStream in = BpfObject.class.getClassLoader().getResourceAsStream(path)) {
            if (in == null) {
                throw BpfException.of(
                        "read " + path,
                        "not on the class path",
                        "The jar is incomplete: build it with mvn package, which runs clang");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("read " + path, e);
        }
    }

    /**
     * Sets a {@code const volatile} variable before {@link #load}.
     *
     * @param value its value; has to fit, signed or unsigned, the variable's size
     */
    public BpfObject set(String variable, long value) {
        checkLoaded(false);
        StructMember member = variable(RODATA, variable);
        int bits = member.size() * Byte.SIZE;
        if (bits < Long.SIZE && (value < -1L << bits - 1 || value >= 1L << bits)) {
            throw BpfException.of(
                    "set " + variable + " of " + name,
                    value + " does not fit its " + bits + " bits",
                    "");
        }
        Pointer at = libbpf().bpf_map__initial_value(handle(RODATA), new long[1]);
        switch (member.size()) {
            case 1 -> at.putByte(member.offset(), (byte) value);
            case 2 -> at.putShort(member.offset(), (short) value);
            case 4 -> at.putInt(member.offset(), (int) value);
            case 8 -> at.putLong(member.offset(), value);
            default ->
                    throw BpfException.of(
                            "set " + variable + " of " + name, "it is not an integer", "");
        }
        return this;
    }

    /** Has {@link #load} load this program, or leave it out. */
    public BpfObject autoload(String program, boolean autoload) {
        checkLoaded(false);
        LibBpf.check(
                "choose whether to load the program " + program + " of " + name,
                libbpf().bpf_program__set_autoload(findProgram(program), autoload));
        return this;
    }

    /** Sets the size of a map before {@link #load}. */
    public BpfObject maxEntries(String map, int entries) {
        checkLoaded(false);
        LibBpf.check(
                "size the map " + map + " of " + name + " for " + entries + " entries",
                libbpf().bpf_map__set_max_entries(handle(map), entries));
        return this;
    }

    /**
     * Has {@link #load} take over a map that exists, with what is in it, rather than make a new
     * one. Type, key and value sizes and flags have to be the same; the size becomes that of the
     * existing one.
     */
    public BpfObject reuse(String map, BpfMap pinned) {
        checkLoaded(false);
        Pointer handle = handle(map);
        String operation = "reuse " + pinned.name() + " as the map " + map + " of " + name;
        BpfMap.Shape shape = BpfMap.Shape.of(handle);
        if (!shape.equals(pinned.shape())) {
            throw BpfException.of(
                    operation,
                    pinned.shape() + " is not " + shape,
                    "It is of another version: remove it");
        }
        LibBpf.check(operation, libbpf().bpf_map__reuse_fd(handle, pinned.fd()));
        return this;
    }

    /** Has {@link #load} leave out all programs but one. */
    public BpfObject loadOnly(String program) {
        checkLoaded(false);
        Pointer each = null;
        while ((each = libbpf().bpf_object__next_program(object(), each)) != null) {
            autoload(libbpf().bpf_program__name(each), false);
        }
        return autoload(program, true);
    }

    /** Creates the maps and has the kernel verify the programs. */
    public void load() {
        checkLoaded(false);
        LibBpf.clearWarning();
        int result = libbpf().bpf_object__load(object());
        if (result < 0) {
            String operation = "load the BPF object " + name;
            String log = verifierLog.getString(0);
            throw log.isBlank()
                    ? failure(operation, -result, BpfException.remedy(-result))
                    : rejection(operation, -result, log);
        }
        loaded = true;
    }

    /** One of the loaded object's programs. */
    public BpfProgram program(String program) {
        checkLoaded(true);
        return new BpfProgram(name, program, libbpf().bpf_program__fd(findProgram(program)));
    }

    private Pointer findProgram(String program) {
        Pointer found = libbpf().bpf_object__find_program_by_name(object(), program);
        if (found == null) {
            throw unknown(
                    "program",
                    program,
                    names(libbpf()::bpf_object__next_program, libbpf()::bpf_program__name));
        }
        return found;
    }

    /** One of the loaded object's maps, {@code .bss} among them. */
    public BpfMap map(String map) {
        checkLoaded(true);
        return new BpfMap(map, libbpf().bpf_map__fd(handle(map)), false);
    }

    /** A variable in .bss, shared with the running programs. Valid until the object is closed. */
    public MappedMemory global(String variable) {
        checkLoaded(true);
        StructMember member = variable(BSS, variable);
        if (bss == null) {
            bss = map(BSS).mmap(true);
        }
        return bss.slice(member.offset(), member.size());
    }

    /** Where a variable stands in .bss. */
    public StructMember globalMember(String variable) {
        return variable(BSS, variable);
    }

    /** Where a {@code const volatile} variable stands in .rodata. */
    public StructMember constantMember(String variable) {
        return variable(RODATA, variable);
    }

    /** The members of a struct that the object was compiled with, in the order of their offsets. */
    public List<StructMember> structMembers(String struct) {
        List<StructMember> members = btf().structMembers(struct);
        if (members == null) {
            throw BpfException.of(
                    "find the struct " + struct + " of " + name,
                    "it is not in the BTF",
                    "Compile with -g, and use the struct in a map or global variable");
        }
        return members;
    }

    @Override
    public void close() {
        if (object != null) {
            if (bss != null) {
                bss.close();
            }
            libbpf().bpf_object__close(object);
            object = null;
        }
    }

    private Pointer object() {
        if (object == null) {
            throw new IllegalStateException("the BPF object " + name + " is closed");
        }
        return object;
    }

    private void checkLoaded(boolean expected) {
        if (loaded != expected) {
            throw new IllegalStateException(
                    "the BPF object " + name + (loaded ? " is loaded already" : " is not loaded"));
        }
    }

    private Btf btf() {
        Pointer btf = libbpf().bpf_object__btf(object());
        if (btf == null) {
            throw BpfException.of(
                    "read the types of " + name, "it has no BTF", "Compile with clang -g");
        }
        return new Btf(btf);
    }

    private Pointer handle(String map) {
        Pointer found = libbpf().bpf_object__find_map_by_name(object(), map);
        if (found == null) {
            throw unknown(
                    "map", map, names(libbpf()::bpf_object__next_map, libbpf()::bpf_map__name));
        }
        return found;
    }

    private StructMember variable(String section, String variable) {
        List<StructMember> variables = btf().variables(section);
        if (variables == null) {
            variables = List.of();
        }
        for (StructMember member : variables) {
            if (member.name().equals(variable)) {
                return member;
            }
        }
        throw unknown(
                section + " variable",
                variable,
                variables.stream().map(StructMember::name).collect(Collectors.toList()));
    }

    private interface Next {
        Pointer next(Pointer object, Pointer previous);
    }

    private List<String> names(Next next, Function<Pointer, String> name) {
        List<String> names = new ArrayList<>();
        for (Pointer p = next.next(object(), null); p != null; p = next.next(object(), p)) {
            names.add(name.apply(p));
        }
        return names;
    }

    private BpfException unknown(String kind, String missing, List<String> existing) {
        return BpfException.of(
                "find the " + kind + " " + missing + " of " + name,
                "there is none of that name",
                "It has " + String.join(", ", existing));
    }

    private static BpfException failure(String operation, int errno, String remedy) {
        String warning = LibBpf.warning();
        String problem = BpfException.describe(errno);
        // libbpf's advice on EPERM (RLIMIT_MEMLOCK) is that of kernels before 5.11.
        if (warning != null && errno != LibC.EPERM) {
            problem += ", " + warning;
        }
        return new BpfException(operation, problem, errno, remedy, null);
    }

    private static BpfException rejection(String operation, int errno, String log) {
        List<String> lines =
                log.lines()
                        .filter(line -> !line.isBlank())
                        .takeWhile(line -> !line.startsWith("processed "))
                        .collect(Collectors.toList());
        String decisive =
                String.join(
                        " | ",
                        lines.subList(Math.max(0, lines.size() - DECISIVE_LINES), lines.size()));
        return new BpfException(
                operation,
                BpfException.describe(errno)
                        + ", the kernel's verifier rejected a program ("
                        + LibBpf.warning()
                        + "): "
                        + decisive,
                errno,
                BpfException.remedy(LibC.EINVAL),
                log);
    }
}
