// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.linuxflow.flow.FlowLayout;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an object tells before it is loaded. */
class BpfObjectTest {

    private BpfObject object;

    @BeforeEach
    void open() {
        object = BpfObject.open(BpfObject.resource("bpf/bridge.bpf.o"), "bridge");
    }

    @AfterEach
    void close() {
        object.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"flow_key", "flow_slot"})
    void theMeterIsCompiledWithTheLayoutThatJavaReads(String struct) {
        List<StructMember> expected =
                FlowLayout.MEMBERS.stream()
                        .filter(member -> member.struct().equals(struct))
                        .map(m -> new StructMember(m.name(), m.offset(), m.size()))
                        .collect(Collectors.toList());

        try (BpfObject meter =
                BpfObject.open(BpfObject.resource("bpf/flowmeter.bpf.o"), "flowmeter")) {
            assertThat(meter.structMembers(struct)).isEqualTo(expected);
        }
    }

    @Test
    void aStructThatIsNotCompiledInIsNamed() {
        assertThatThrownBy(() -> object.structMembers("flow_slot"))
                .isInstanceOf(BpfException.class)
                .hasMessage(
                        "find the struct flow_slot of bridge: it is not in the BTF. Compile with"
                                + " -g, and use the struct in a map or global variable");
    }

    @Test
    void whatIsNoElfFileIsRefused() {
        assertThatThrownBy(() -> BpfObject.open(new byte[64], "zeros"))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("open the BPF object zeros: ")
                .hasMessageContaining(
                        "BPF object format invalid (4001), libbpf: elf: 'zeros' is not a proper ELF"
                                + " object. ")
                .hasMessageEndingWith("Is it a BPF ELF file?");
    }

    @Test
    void aMissingResourceIsNamed() {
        assertThatThrownBy(() -> BpfObject.resource("bpf/missing.bpf.o"))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("read bpf/missing.bpf.o: not on the class path. ");
    }

    @Test
    void anUnknownKnobIsNamedAndTheKnownOnesListed() {
        assertThatThrownBy(() -> object.set("knob", 1))
                .isInstanceOf(BpfException.class)
                .hasMessage(
                        "find the .rodata variable knob of bridge: there is none of that name."
                                + " It has knob8, knob16, knob32, knob64, array_knob");
    }

    @Test
    void anUnknownMapIsNamedAndTheKnownOnesListed() {
        assertThatThrownBy(() -> object.maxEntries("flows", 1))
                .isInstanceOf(BpfException.class)
                .hasMessage(
                        "find the map flows of bridge: there is none of that name. It has per_cpu,"
                                + " events, hash, mappable, bridge.rodata, bridge.bss");
    }

    @Test
    void aKnobHasToFitSignedOrUnsigned() {
        object.set("knob8", 255).set("knob8", -128).set("knob64", Long.MIN_VALUE);

        assertThatThrownBy(() -> object.set("knob8", 256))
                .isInstanceOf(BpfException.class)
                .hasMessage("set knob8 of bridge: 256 does not fit its 8 bits");
        assertThatThrownBy(() -> object.set("knob16", -32769))
                .isInstanceOf(BpfException.class)
                .hasMessage("set knob16 of bridge: -32769 does not fit its 16 bits");
    }

    @Test
    void onlyIntegersAreKnobs() {
        assertThatThrownBy(() -> object.set("array_knob", 1))
                .isInstanceOf(BpfException.class)
                .hasMessage("set array_knob of bridge: it is not an integer");
    }

    @Test
    void programsMapsAndGlobalsNeedALoadedObject() {
        assertThatThrownBy(() -> object.program("see"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the BPF object bridge is not loaded");
        assertThatThrownBy(() -> object.map("hash")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> object.global("seen")).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aClosedObjectSaysSo() {
        object.close();

        assertThatThrownBy(() -> object.set("knob8", 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the BPF object bridge is closed");
    }
}
