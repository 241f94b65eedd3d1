// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.BpfObject;
import io.linuxflow.metering.KernelFeatures;
import io.linuxflow.metering.KernelFeatures.Feature;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Whether this machine has what it takes. */
@Command(
        name = "dependency-check",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        description = {
            "Checks whether this machine has what it takes.",
            "What the kernel can do is found out by doing it, in a network namespace made for"
                    + " that.",
            "Ends with 1 if something is missing that is needed to run."
        })
final class DependencyCheckCommand implements Callable<Integer> {

    private enum State {
        VALID,
        INVALID,
        NOT_INSTALLED;

        @Override
        public String toString() {
            return name().replace('_', '-');
        }
    }

    private static final Path BPF_FS = Path.of("/sys/fs/bpf");
    private static final Pattern VERSION = Pattern.compile("\\d+(\\.\\d+)+");

    @Spec private CommandSpec spec;
    @Mixin private Output output;

    private final Table table =
            new Table().columns("REQUIREMENT", "NEEDED", "EXPECTED", "FOUND", "STATE", "REMEDY");

    private boolean missing;

    @Override
    public Integer call() {
        kernel();
        library();
        capabilities();
        features();
        bpfFileSystem();
        version("java", "to run", 17, System.getProperty("java.version"), "Install a newer JDK");
        tool("javac", "to build", 17, "apt install default-jdk-headless", "-version");
        tool("mvn", "to build", 3, "apt install maven", "--version");
        tool("clang", "to build", 14, "apt install clang", "--version");
        tool("make", "to build", 4, "apt install make", "--version");
        header();
        camel();
        table.print(output.format, spec.commandLine().getOut());
        return missing ? 1 : 0;
    }

    private void add(
            String what, String needed, String expected, String found, State state, String remedy) {
        missing |= needed.equals("to run") && state != State.VALID;
        table.row(what, needed, expected, found, state, state == State.VALID ? "" : remedy);
    }

    private void version(String what, String needed, int expected, String found, String remedy) {
        int major = Integer.parseInt(found.replaceFirst("\\D.*", ""));
        add(
                what,
                needed,
                ">= " + expected,
                found,
                major >= expected ? State.VALID : State.INVALID,
                remedy);
    }

    private void kernel() {
        String found = System.getProperty("os.version");
        Matcher version = Pattern.compile("(\\d+)\\.(\\d+).*").matcher(found);
        boolean valid =
                version.matches()
                        && Integer.parseInt(version.group(1)) * 1000
                                        + Integer.parseInt(version.group(2))
                                >= 5015;
        add(
                "kernel",
                "to run",
                ">= 5.15",
                found,
                valid ? State.VALID : State.INVALID,
                "Boot a newer kernel");
    }

    private void library() {
        try {
            String found = BpfObject.libbpfVersion();
            add("libbpf", "to run", ">= 1.0", found, State.VALID, "");
        } catch (BpfException e) {
            add("libbpf", "to run", ">= 1.0", "", State.NOT_INSTALLED, e.remedy());
        }
    }

    private enum Capability {
        CAP_NET_ADMIN(12, "to run"),
        CAP_SYS_ADMIN(21, "other namespaces"),
        CAP_PERFMON(38, "to run"),
        CAP_BPF(39, "to run");

        private final int bit;
        private final String needed;

        Capability(int bit, String needed) {
            this.bit = bit;
            this.needed = needed;
        }
    }

    private void capabilities() {
        long effective = 0;
        try (Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
            effective =
                    status.filter(line -> line.startsWith("CapEff:"))
                            .mapToLong(
                                    line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                            .findFirst()
                            .orElse(0);
        } catch (IOException e) {
            // Then there are none to be seen.
        }
        for (Capability each : Capability.values()) {
            boolean has = (effective >>> each.bit & 1) != 0;
            add(
                    each.name(),
                    each.needed,
                    "effective",
                    has ? "effective" : "",
                    has ? State.VALID : State.INVALID,
                    "Run as root, or grant it");
        }
    }

    private void features() {
        List<Feature> features = KernelFeatures.probe();
        boolean tcx = features.contains(new Feature("tcx", null));
        boolean clsact = features.contains(new Feature("clsact", null));
        for (Feature feature : features) {
            String needed =
                    switch (feature.name()) {
                        case "tcx" -> clsact ? "or clsact" : "to run";
                        case "clsact" -> tcx ? "or tcx" : "to run";
                        case "network namespaces" -> "for this check";
                        default -> "to run";
                    };
            add(
                    feature.name(),
                    needed,
                    "works",
                    feature.problem() == null ? "works" : "",
                    feature.problem() == null ? State.VALID : State.INVALID,
                    feature.problem());
        }
    }

    private void bpfFileSystem() {
        String type;
        try {
            type = Files.getFileStore(BPF_FS).type();
        } catch (IOException e) {
            type = "";
        }
        add(
                BPF_FS.toString(),
                "meter.pin",
                "bpf",
                type,
                type.equals("bpf") ? State.VALID : State.NOT_INSTALLED,
                "mount -t bpf bpf " + BPF_FS);
    }

    private void header() {
        boolean there = Files.exists(Path.of("/usr/include/bpf/bpf_helpers.h"));
        add(
                "libbpf headers",
                "to build",
                "installed",
                there ? "installed" : "",
                there ? State.VALID : State.NOT_INSTALLED,
                "apt install libbpf-dev");
    }

    private void camel() {
        String path = find("camel");
        add(
                "camel",
                "or ./camelw",
                "installed",
                path == null ? "" : path,
                path == null ? State.NOT_INSTALLED : State.VALID,
                "Use ./camelw, which brings its own");
    }

    private void tool(
            String name, String needed, int expected, String remedy, String versionOption) {
        String path = find(name);
        String found = path == null ? null : versionOf(path, versionOption);
        if (found == null) {
            add(name, needed, ">= " + expected, "", State.NOT_INSTALLED, remedy);
        } else {
            version(name, needed, expected, found, remedy);
        }
    }

    private static String find(String name) {
        List<Path> directories = new ArrayList<>();
        directories.add(Path.of(System.getProperty("java.home"), "bin"));
        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .map(Path::of)
                .forEach(directories::add);
        return directories.stream()
                .map(directory -> directory.resolve(name))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElse(null);
    }

    /** The first number with a dot that the tool prints, null if there is none. */
    private static String versionOf(String path, String option) {
        try {
            Process process = new ProcessBuilder(path, option).redirectErrorStream(true).start();
            process.getOutputStream().close();
            Matcher version =
                    VERSION.matcher(
                            new String(
                                    process.getInputStream().readAllBytes(),
                                    StandardCharsets.UTF_8));
            return version.find() ? version.group() : null;
        } catch (IOException e) {
            return null;
        }
    }
}
