<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
 <context>
  <name>CsiGeolocator</name>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>The engine's Python could not be started ({0}: {1}). Repair the engine's environment in Settings &gt; Options &gt; CSI Geolocator.</source>
   <translation>Das Python der Engine konnte nicht gestartet werden ({0}: {1}). Reparieren Sie die Umgebung der Engine unter Einstellungen &gt; Optionen &gt; CSI Geolocator.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>Cancelled.</source>
   <translation>Abgebrochen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>The engine was stopped; run it again. What was computed is kept.</source>
   <translation>Die Engine wurde angehalten; starten Sie den Lauf erneut. Was berechnet wurde, bleibt erhalten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>The engine started but said nothing for {:.0f} seconds, and was ended. A virus scanner or a slow disk may hold it up: try again; if it stays silent, repair the engine's environment in Settings &gt; Options &gt; CSI Geolocator.</source>
   <translation>Die Engine ist gestartet, hat aber {:.0f} Sekunden lang nichts gesagt und wurde beendet. Ein Virenscanner oder ein langsamer Datenträger kann sie aufhalten: Versuchen Sie es noch einmal; bleibt sie stumm, reparieren Sie die Umgebung der Engine unter Einstellungen &gt; Optionen &gt; CSI Geolocator.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>The engine did not stop what was cancelled within {:.0f} seconds and was ended; run this again.</source>
   <translation>Die Engine hat das Abgebrochene nicht innerhalb von {:.0f} Sekunden angehalten und wurde beendet; starten Sie dies noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>The engine sent something that cannot be understood ({}), and was ended. Its Python may not be the one of this plugin: repair the environment in Settings &gt; Options &gt; CSI Geolocator, and copy the diagnostics there if it happens again.</source>
   <translation>Die Engine hat etwas gesendet, das nicht zu verstehen ist ({}), und wurde beendet. Ihr Python gehört vielleicht nicht zu dieser Erweiterung: Reparieren Sie die Umgebung unter Einstellungen &gt; Optionen &gt; CSI Geolocator, und kopieren Sie dort die Diagnose, falls es wieder geschieht.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>The engine speaks protocol {0}, this plugin needs {1}: they are of different versions. Restart QGIS; if that does not help, install the plugin again.</source>
   <translation>Die Engine spricht Protokoll {0}, diese Erweiterung braucht {1}: Sie sind von verschiedenen Versionen. Starten Sie QGIS neu; hilft das nicht, installieren Sie die Erweiterung neu.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>The engine ended unexpectedly: {}.</source>
   <translation>Die Engine ist unerwartet zu Ende gegangen: {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>Its last words were: {}</source>
   <translation>Ihre letzten Worte waren: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>It starts again with the next run. If this happens again, copy the engine's log.</source>
   <translation>Beim nächsten Lauf startet sie wieder. Geschieht es noch einmal, kopieren Sie das Protokoll der Engine.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>a library is missing or broken (exit code {})</source>
   <translation>eine Bibliothek fehlt oder ist beschädigt (Rückgabewert {})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>it crashed (code {})</source>
   <translation>sie ist abgestürzt (Code {})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>exit code {}</source>
   <translation>Rückgabewert {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>Repair the engine's environment in Settings &gt; Options &gt; CSI Geolocator.</source>
   <translation>Reparieren Sie die Umgebung der Engine unter Einstellungen &gt; Optionen &gt; CSI Geolocator.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>Most likely memory ran out: close other programs, choose a smaller area or a smaller batch size, and run again.</source>
   <translation>Wahrscheinlich hat der Arbeitsspeicher nicht gereicht: Schließen Sie andere Programme, wählen Sie ein kleineres Gebiet oder eine kleinere Stapelgröße, und starten Sie neu.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>A library or the graphics driver failed: choose the device 'CPU' in Settings &gt; Options &gt; CSI Geolocator, or repair the environment there.</source>
   <translation>Eine Bibliothek oder der Grafiktreiber hat versagt: Wählen Sie unter Einstellungen &gt; Optionen &gt; CSI Geolocator das Gerät „CPU“, oder reparieren Sie dort die Umgebung.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>it crashed on an instruction that this processor lacks (signal 4)</source>
   <translation>sie ist an einem Befehl abgestürzt, den dieser Prozessor nicht kennt (Signal 4)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>it aborted (signal 6)</source>
   <translation>sie hat abgebrochen (Signal 6)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>it crashed in memory (signal 7)</source>
   <translation>sie ist im Speicher abgestürzt (Signal 7)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>the system or a person killed it (signal 9)</source>
   <translation>das System oder ein Mensch hat sie beendet (Signal 9)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>it crashed in memory (signal 11)</source>
   <translation>sie ist im Speicher abgestürzt (Signal 11)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>another program ended it (signal 15)</source>
   <translation>ein anderes Programm hat sie beendet (Signal 15)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>It starts again with the next run.</source>
   <translation>Beim nächsten Lauf startet sie wieder.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>it crashed ({})</source>
   <translation>sie ist abgestürzt ({})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>A library (DLL) is missing: install the Microsoft Visual C++ redistributable, then repair the engine's environment in Settings &gt; Options &gt; CSI Geolocator.</source>
   <translation>Eine Bibliothek (DLL) fehlt: Installieren Sie „Microsoft Visual C++ Redistributable“, und reparieren Sie dann die Umgebung der Engine unter Einstellungen &gt; Optionen &gt; CSI Geolocator.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>Close other programs, choose a smaller area, and run again.</source>
   <translation>Schließen Sie andere Programme, wählen Sie ein kleineres Gebiet, und starten Sie neu.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>memory ran out (0xC0000017)</source>
   <translation>der Arbeitsspeicher hat nicht gereicht (0xC0000017)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>a library was not found (0xC0000135)</source>
   <translation>eine Bibliothek wurde nicht gefunden (0xC0000135)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/failure.py" />
   <source>a library did not start (0xC0000142)</source>
   <translation>eine Bibliothek ist nicht gestartet (0xC0000142)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>No NVIDIA GPU was found (nvidia-smi).</source>
   <translation>Es wurde keine NVIDIA-Grafikkarte gefunden (nvidia-smi).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>{0}, driver {1}</source>
   <translation>{0}, Treiber {1}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>{0}: the driver runs CUDA {1}.{2}, and CUDA {3} is needed. Update the driver, then repair the environment, to use the GPU.</source>
   <translation>{0}: Der Treiber kann CUDA {1}.{2}, gebraucht wird CUDA {3}. Aktualisieren Sie den Treiber und reparieren Sie dann die Umgebung, um die Grafikkarte zu nutzen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>{0}: the GPU is too old for CUDA {1} (compute capability {2}.{3}).</source>
   <translation>{0}: Die Grafikkarte ist zu alt für CUDA {1} (Compute Capability {2}.{3}).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>{}: the usual package index has no CUDA build for Windows. Name one that has under 'Network and offline' to use the GPU.</source>
   <translation>{}: Das übliche Paketverzeichnis hat keine CUDA-Fassung für Windows. Nennen Sie unter „Netzwerk und offline“ eines, das sie hat, um die Grafikkarte zu nutzen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>{0}: it runs CUDA {1}.</source>
   <translation>{0}: Sie kann CUDA {1}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>The usual build is installed all the same: it also computes on the processor. A package index with a CPU build saves about 4 GB.</source>
   <translation>Trotzdem wird die übliche Fassung installiert: Sie rechnet auch auf dem Prozessor. Ein Paketverzeichnis mit einer CPU-Fassung spart etwa 4 GB.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>torch is no longer made for Macs with an Intel processor, so the engine cannot be set up on this one.</source>
   <translation>torch wird für Macs mit Intel-Prozessor nicht mehr hergestellt; die Engine lässt sich auf diesem nicht einrichten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/gpu.py" />
   <source>Apple silicon: its own GPU is used (MPS).</source>
   <translation>Apple Silicon: Die eigene Grafikeinheit wird genutzt (MPS).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/installer.py" />
   <source>Removing the environment</source>
   <translation>Die Umgebung wird entfernt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/installer.py" />
   <source>Removing the engine's environment</source>
   <translation>Die Umgebung der Engine wird entfernt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/installer.py" />
   <source>The engine's environment was removed.</source>
   <translation>Die Umgebung der Engine wurde entfernt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/installer.py" />
   <source>It could not be removed: {}</source>
   <translation>Sie konnte nicht entfernt werden: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/installer.py" />
   <source>{0} cannot be used: {1}</source>
   <translation>{0} ist nicht zu gebrauchen: {1}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/installer.py" />
   <source>Removing an old engine environment</source>
   <translation>Eine alte Umgebung der Engine wird entfernt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/launch.py" />
   <source>There is no Python at {} (any more).</source>
   <translation>Unter {} gibt es kein Python (mehr).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/launch.py" />
   <source>{} cannot be run as a program.</source>
   <translation>{} lässt sich nicht als Programm ausführen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/launch.py" />
   <source>{} also sees the packages of another Python (include-system-site-packages); choose an environment that stands alone.</source>
   <translation>{} sieht auch die Pakete eines anderen Pythons (include-system-site-packages); wählen Sie eine Umgebung, die für sich steht.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/launch.py" />
   <source>{} is the Python that QGIS itself runs on. Installing the engine into it would break QGIS and its plugins; choose another, or set up an environment.</source>
   <translation>{} ist das Python, auf dem QGIS selbst läuft. Die Engine darin zu installieren würde QGIS und seine Erweiterungen beschädigen; wählen Sie ein anderes, oder richten Sie eine Umgebung ein.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/launch.py" />
   <source>The engine's environment is not set up. Set it up with the button 'Set up engine…' in Settings &gt; Options &gt; CSI Geolocator.</source>
   <translation>Die Umgebung der Engine ist nicht eingerichtet. Richten Sie sie mit dem Knopf „Engine einrichten …“ unter Einstellungen &gt; Optionen &gt; CSI Geolocator ein.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/launch.py" />
   <source>Choose it in Settings &gt; Options &gt; CSI Geolocator.</source>
   <translation>Wählen Sie es unter Einstellungen &gt; Optionen &gt; CSI Geolocator.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/launch.py" />
   <source>The plugin's folder {} is incomplete; install the plugin again.</source>
   <translation>Der Ordner {} der Erweiterung ist unvollständig; installieren Sie die Erweiterung neu.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/machine.py" />
   <source>Install Python 3.12 (64 bit) from python.org.</source>
   <translation>Installieren Sie Python 3.12 (64 Bit) von python.org.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/machine.py" />
   <source>Install Python 3.12 with Homebrew (brew install python@3.12) or python.org.</source>
   <translation>Installieren Sie Python 3.12 mit Homebrew (brew install python@3.12) oder von python.org.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/machine.py" />
   <source>Install it with your system (for example: apt install python3 python3-venv).</source>
   <translation>Installieren Sie es mit Ihrem System (zum Beispiel: apt install python3 python3-venv).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/machine.py" />
   <source>No Python 3.11 to 3.13 was found that is not QGIS's own.</source>
   <translation>Es wurde kein Python 3.11 bis 3.13 gefunden, das nicht das von QGIS ist.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/machine.py" />
   <source>Or install uv, which brings its own Python. Then open this window again.</source>
   <translation>Oder installieren Sie uv, das ein eigenes Python mitbringt. Öffnen Sie dieses Fenster dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>Installing torch from the named package index</source>
   <translation>torch wird aus dem genannten Paketverzeichnis installiert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>Installing the packages</source>
   <translation>Die Pakete werden installiert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>Making the environment</source>
   <translation>Die Umgebung wird angelegt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>There is neither a suitable Python nor uv to make one with.</source>
   <translation>Es gibt weder ein passendes Python noch uv, um eines zu beschaffen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>{} lacks its module for environments. On Debian and Ubuntu install the package python3-venv; or choose another Python, or install uv.</source>
   <translation>{} fehlt das Modul für Umgebungen. Installieren Sie auf Debian und Ubuntu das Paket python3-venv; oder wählen Sie ein anderes Python, oder installieren Sie uv.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>Without a network uv cannot fetch a Python: choose one that is already there.</source>
   <translation>Ohne Netzwerk kann uv kein Python holen: Wählen Sie eines, das schon da ist.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>Checking the engine</source>
   <translation>Die Engine wird geprüft</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>The path has {0} characters. Windows may not find files this deep: choose a place of at most {1} characters, such as C:\csi\engine.</source>
   <translation>Der Pfad hat {0} Zeichen. So tief findet Windows Dateien vielleicht nicht mehr: Wählen Sie einen Ort mit höchstens {1} Zeichen, etwa C:\csi\engine.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/plan.py" />
   <source>Only {0:.1f} GB are free there, {1:.1f} GB are needed.</source>
   <translation>Dort sind nur {0:.1f} GB frei, {1:.1f} GB werden gebraucht.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/proposal.py" />
   <source>Chosen by hand.</source>
   <translation>Von Hand gewählt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/proposal.py" />
   <source>Chosen by hand; a computation at the end checks it.</source>
   <translation>Von Hand gewählt; eine Rechnung am Ende prüft es.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/proposal.py" />
   <source>{} lacks its module for environments. On Debian and Ubuntu install the package python3-venv; or install uv. Then open this window again.</source>
   <translation>{} fehlt das Modul für Umgebungen. Installieren Sie auf Debian und Ubuntu das Paket python3-venv; oder installieren Sie uv. Öffnen Sie dieses Fenster dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/proposal.py" />
   <source>This Python</source>
   <translation>Dieses Python</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/proposal.py" />
   <source>uv {0} ({1})</source>
   <translation>uv {0} ({1})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/proposal.py" />
   <source>pip, in the environment</source>
   <translation>pip, in der Umgebung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/removal.py" />
   <source>{} cannot be written; choose another place.</source>
   <translation>{} lässt sich nicht beschreiben; wählen Sie einen anderen Ort.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/removal.py" />
   <source>process {0} on {1}</source>
   <translation>Prozess {0} auf {1}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/removal.py" />
   <source>unknown</source>
   <translation>unbekannt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/removal.py" />
   <source>The engine's environment is being changed by another QGIS window ({}). Wait until it has finished, then try again.</source>
   <translation>Ein anderes QGIS-Fenster ändert gerade die Umgebung der Engine ({}). Warten Sie, bis es fertig ist, und versuchen Sie es dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/removal.py" />
   <source>{} is a link to another folder; remove it yourself.</source>
   <translation>{} ist eine Verknüpfung mit einem anderen Ordner; entfernen Sie sie selbst.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/removal.py" />
   <source>{0} was not made by this plugin (it holds no {1}), so it is left alone. Remove it yourself or choose another place.</source>
   <translation>{0} wurde nicht von dieser Erweiterung angelegt (es enthält kein {1}) und bleibt deshalb unberührt. Entfernen Sie es selbst, oder wählen Sie einen anderen Ort.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/removal.py" />
   <source>{0} cannot be removed ({1}): a program still uses it. Close other QGIS windows, or restart QGIS, then try again.</source>
   <translation>{0} lässt sich nicht entfernen ({1}): Ein Programm benutzt es noch. Schließen Sie andere QGIS-Fenster, oder starten Sie QGIS neu, und versuchen Sie es dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>Fetching {}</source>
   <translation>{} wird geholt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>Looking at {}</source>
   <translation>{} wird angesehen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>Installing {} packages</source>
   <translation>{} Pakete werden installiert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>Installed</source>
   <translation>Installiert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>it said nothing</source>
   <translation>es hat nichts gesagt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>{0} failed (exit code {1}): {2}</source>
   <translation>{0} ist gescheitert (Rückgabewert {1}): {2}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>What was fetched is kept: try again, and the set-up goes on where it stopped. If it fails again, copy the diagnostics.</source>
   <translation>Was geholt wurde, bleibt: Versuchen Sie es noch einmal, die Einrichtung geht weiter, wo sie aufgehört hat. Scheitert sie wieder, kopieren Sie die Diagnose.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>The disk is full: free some space or choose another place, then try again.</source>
   <translation>Der Datenträger ist voll: Schaffen Sie Platz oder wählen Sie einen anderen Ort, und versuchen Sie es dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>A package is not the one that was tested with this plugin. If you use an offline folder, fill it anew with the packages of this version; else a proxy may alter what it passes on: delete the downloads and try again.</source>
   <translation>Ein Paket ist nicht das, das mit dieser Erweiterung geprüft wurde. Wenn Sie einen Offline-Ordner benutzen, füllen Sie ihn neu mit den Paketen dieser Version; sonst ändert vielleicht ein Proxy, was er weiterreicht: Löschen Sie die geholten Pakete und versuchen Sie es noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>The connection's certificate is not trusted. If your organisation uses one of its own, add it under Settings &gt; Options &gt; Authentication &gt; Manage certificates, then try again.</source>
   <translation>Dem Zertifikat der Verbindung wird nicht vertraut. Hat Ihre Organisation ein eigenes, fügen Sie es unter Einstellungen &gt; Optionen &gt; Authentifizierung &gt; Zertifikate verwalten hinzu, und versuchen Sie es dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>The proxy refused: check it under Settings &gt; Options &gt; Network, then try again.</source>
   <translation>Der Proxy hat abgelehnt: Prüfen Sie ihn unter Einstellungen &gt; Optionen &gt; Netzwerk, und versuchen Sie es dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>The package index cannot be reached: check the network, and the proxy under Settings &gt; Options &gt; Network; or set up from an offline folder.</source>
   <translation>Das Paketverzeichnis ist nicht zu erreichen: Prüfen Sie das Netzwerk und den Proxy unter Einstellungen &gt; Optionen &gt; Netzwerk; oder richten Sie aus einem Offline-Ordner ein.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>This Python cannot make environments. On Debian and Ubuntu install the package python3-venv; or choose another Python, or install uv.</source>
   <translation>Dieses Python kann keine Umgebungen anlegen. Installieren Sie auf Debian und Ubuntu das Paket python3-venv; oder wählen Sie ein anderes Python, oder installieren Sie uv.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>A package is not there for this Python and system. Choose Python 3.11 or 3.12; an offline folder has to hold every package for it.</source>
   <translation>Ein Paket gibt es für dieses Python und System nicht. Wählen Sie Python 3.11 oder 3.12; ein Offline-Ordner muss jedes Paket dafür enthalten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>A path is too long for this system: choose a shorter place, near a drive's root.</source>
   <translation>Ein Pfad ist für dieses System zu lang: Wählen Sie einen kürzeren Ort, nahe der Wurzel eines Laufwerks.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/tool_output.py" />
   <source>A file cannot be written. Close other QGIS windows that use the engine, check that the folder is yours and that no virus scanner holds it, then try again.</source>
   <translation>Eine Datei lässt sich nicht schreiben. Schließen Sie andere QGIS-Fenster, die die Engine benutzen, prüfen Sie, ob der Ordner Ihnen gehört und kein Virenscanner ihn festhält, und versuchen Sie es dann noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/verification.py" />
   <source>Starting the engine</source>
   <translation>Die Engine startet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/verification.py" />
   <source>The engine is ready. It computes on {}.</source>
   <translation>Die Engine ist bereit. Sie rechnet auf {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/verification.py" />
   <source>Stopped. What was fetched is kept; the next set-up goes on where this one stopped.</source>
   <translation>Angehalten. Was geholt wurde, bleibt; die nächste Einrichtung geht weiter, wo diese aufgehört hat.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/engine/verification.py" />
   <source>The environment is there, but the engine does not work in it:</source>
   <translation>Die Umgebung ist da, aber die Engine arbeitet nicht darin:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Drag a rectangle on the map.</source>
   <translation>Ziehen Sie ein Rechteck auf der Karte.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Click the corners on the map; a right click ends, Esc gives up.</source>
   <translation>Klicken Sie die Ecken auf der Karte an; ein Rechtsklick beendet, Esc bricht ab.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>map extent</source>
   <translation>Kartenausschnitt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Polygon layer</source>
   <translation>Polygonlayer</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Bounds</source>
   <translation>Grenzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Rectangle</source>
   <translation>Rechteck</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Draw the area as a rectangle on the map</source>
   <translation>Das Gebiet als Rechteck auf der Karte zeichnen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Polygon</source>
   <translation>Polygon</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Draw the area as a polygon on the map</source>
   <translation>Das Gebiet als Polygon auf der Karte zeichnen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Map extent</source>
   <translation>Kartenausschnitt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Search what the map shows now</source>
   <translation>Suchen, was die Karte jetzt zeigt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Selection</source>
   <translation>Auswahl</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Search the selected polygons of the active layer</source>
   <translation>Die gewählten Polygone des aktiven Layers durchsuchen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>Search every polygon of a layer</source>
   <translation>Jedes Polygon eines Layers durchsuchen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>none</source>
   <translation>keines</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>west,south,east,north</source>
   <translation>West,Süd,Ost,Nord</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>The area's bounds in degrees: west,south,east,north; Return takes it</source>
   <translation>Die Grenzen des Gebiets in Grad: West,Süd,Ost,Nord; die Eingabetaste übernimmt sie</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>No polygon is selected; select some with QGIS's selection tool and try again.</source>
   <translation>Kein Polygon ist gewählt; wählen Sie welche mit den Auswahlwerkzeugen von QGIS, und versuchen Sie es noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/area_picker.py" />
   <source>No area is chosen yet.</source>
   <translation>Noch ist kein Gebiet gewählt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The rectangle is empty; drag from one corner to the other.</source>
   <translation>Das Rechteck ist leer; ziehen Sie von einer Ecke zur anderen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>There is no polygon here; an area needs one at least.</source>
   <translation>Hier gibt es kein Polygon; ein Gebiet braucht mindestens eines.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>Choose a polygon layer; the project holds none yet.</source>
   <translation>Wählen Sie einen Polygonlayer; das Projekt hat noch keinen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The layer '{}' has no coordinate system; set it in the layer's properties.</source>
   <translation>Der Layer „{}“ hat kein Koordinatensystem; legen Sie es in den Eigenschaften des Layers fest.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>Nothing is selected in the layer '{}'; select polygons and try again.</source>
   <translation>Im Layer „{}“ ist nichts gewählt; wählen Sie Polygone, und versuchen Sie es noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>Write four numbers in degrees: west,south,east,north, like 13.17,55.69,13.21,55.72</source>
   <translation>Schreiben Sie vier Zahlen in Grad: West,Süd,Ost,Nord, etwa 13.17,55.69,13.21,55.72</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>South must be less than north; the order is west,south,east,north.</source>
   <translation>Süd muss kleiner sein als Nord; die Reihenfolge ist West,Süd,Ost,Nord.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>West and east are the same; the order is west,south,east,north.</source>
   <translation>West und Ost sind gleich; die Reihenfolge ist West,Süd,Ost,Nord.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>{} m²</source>
   <translation>{} m²</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>{} km²</source>
   <translation>{} km²</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The project has no coordinate system; set it in the corner of the status bar.</source>
   <translation>Das Projekt hat kein Koordinatensystem; legen Sie es in der Ecke der Statusleiste fest.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The area reaches beyond the poles; draw it again.</source>
   <translation>Das Gebiet reicht über die Pole hinaus; zeichnen Sie es neu.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The area is too small to hold a place; draw a larger one.</source>
   <translation>Das Gebiet ist zu klein für einen Ort; zeichnen Sie ein größeres.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The area has {0}; {1} km² at most can be searched at once. Draw a smaller one, or search it in parts.</source>
   <translation>Das Gebiet hat {0}; höchstens {1} km² lassen sich auf einmal durchsuchen. Zeichnen Sie ein kleineres, oder durchsuchen Sie es in Teilen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The area crosses the antimeridian (180 degrees); search the parts on either side one after the other.</source>
   <translation>Das Gebiet kreuzt die Datumsgrenze (180 Grad); durchsuchen Sie die Teile auf beiden Seiten nacheinander.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/areas.py" />
   <source>The area lies outside of what {} can show; zoom to the place first.</source>
   <translation>Das Gebiet liegt außerhalb dessen, was {} zeigen kann; gehen Sie auf der Karte zuerst an den Ort.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Photo</source>
   <translation>Foto</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>The photo's file</source>
   <translation>Die Datei des Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Rank</source>
   <translation>Rang</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>1 is the best candidate of its photo</source>
   <translation>1 ist der beste Kandidat seines Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Probability</source>
   <translation>Wahrscheinlichkeit</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>All places of the area and 'not in this area' sum to 100 %; these are the best of them and may sum to less</source>
   <translation>Alle Orte des Gebiets und „nicht in diesem Gebiet“ ergeben zusammen 100 %; dies sind die besten von ihnen und ergeben womöglich weniger</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Heading</source>
   <translation>Blickrichtung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Where the camera looked, clockwise from true north, with its spread</source>
   <translation>Wohin die Kamera blickte, im Uhrzeigersinn von geografisch Nord, mit der Streuung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Points</source>
   <translation>Punkte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Points that photo and street view share under one geometry; {} are strong evidence</source>
   <translation>Punkte, die Foto und Straßenansicht unter einer Geometrie gemeinsam haben; {} sind ein starkes Indiz</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Decision</source>
   <translation>Entscheidung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>What the analyst decided</source>
   <translation>Was die auswertende Person entschieden hat</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Precision</source>
   <translation>Genauigkeit</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>How precise the position is, in metres, as the analyst put it</source>
   <translation>Wie genau die Position ist, in Metern, wie die auswertende Person angab</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Street view</source>
   <translation>Straßenansicht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>The date of the street view that the photo was compared with</source>
   <translation>Das Datum der Straßenansicht, mit der das Foto verglichen wurde</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Off by</source>
   <translation>Abweichung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>The distance to the true position, where it is known</source>
   <translation>Der Abstand zur wahren Position, wo sie bekannt ist</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>Note</source>
   <translation>Notiz</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_columns.py" />
   <source>The analyst's note</source>
   <translation>Die Notiz der auswertenden Person</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_table.py" />
   <source>somebody</source>
   <translation>jemand</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_table.py" />
   <source>Decided by {} at {}</source>
   <translation>Entschieden von {} am {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_table.py" />
   <source>moved by hand</source>
   <translation>von Hand verschoben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/candidate_table.py" />
   <source>Candidates</source>
   <translation>Kandidaten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_pictures.py" />
   <source>Photo, street view and satellite image</source>
   <translation>Foto, Straßenansicht und Satellitenbild</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_pictures.py" />
   <source>Wheel or + and -: zoom; drag or arrow keys: move; double click or 0: all of it. Photo and street view move together.</source>
   <translation>Mausrad oder + und -: zoomen; Ziehen oder Pfeiltasten: bewegen; Doppelklick oder 0: alles zeigen. Foto und Straßenansicht bewegen sich gemeinsam.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_pictures.py" />
   <source>Photo (left), street view (right)</source>
   <translation>Foto (links), Straßenansicht (rechts)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_pictures.py" />
   <source>Satellite, heading up</source>
   <translation>Satellitenbild, Blickrichtung oben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Compare candidate</source>
   <translation>Kandidaten vergleichen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Waiting for the engine: the run is finished first…</source>
   <translation>Warten auf die Engine: Der Lauf wird zuerst beendet …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Waiting for the engine…</source>
   <translation>Warten auf die Engine …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Could not compare: {}</source>
   <translation>Der Vergleich ist gescheitert: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Nothing to show here.</source>
   <translation>Hier gibt es nichts zu zeigen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Matched points ({})</source>
   <translation>Gemeinsame Punkte ({})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Waiting…</source>
   <translation>Warten …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Matched points</source>
   <translation>Gemeinsame Punkte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>The photo cannot be shown.</source>
   <translation>Das Foto lässt sich nicht zeigen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>{}, rank {}: {}, heading {}, {}</source>
   <translation>{}, Rang {}: {}, Blickrichtung {}, {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Previous</source>
   <translation>Voriger</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>The row above in the table</source>
   <translation>Die Zeile darüber in der Tabelle</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Next</source>
   <translation>Nächster</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>The row below in the table</source>
   <translation>Die Zeile darunter in der Tabelle</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Swipe</source>
   <translation>Überblenden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Lay the photo over the street view, with a divider to drag</source>
   <translation>Das Foto über die Straßenansicht legen, mit einer Trennlinie zum Ziehen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Points that photo and street view share under one geometry</source>
   <translation>Punkte, die Foto und Straßenansicht unter einer Geometrie gemeinsam haben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Whole picture</source>
   <translation>Ganzes Bild</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/compare_view.py" />
   <source>Undo zoom and position</source>
   <translation>Zoom und Verschiebung zurücknehmen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Undo</source>
   <translation>Rückgängig</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Redo</source>
   <translation>Wiederholen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Move on map</source>
   <translation>Auf der Karte verschieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Drag the selected candidate on the map to where the camera stood; Escape ends it</source>
   <translation>Den gewählten Kandidaten auf der Karte dorthin ziehen, wo die Kamera stand; Esc beendet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Move back</source>
   <translation>Zurücksetzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Put the candidate where it was found</source>
   <translation>Den Kandidaten dorthin setzen, wo er gefunden wurde</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Mark as {}</source>
   <translation>Als {} markieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Move candidate</source>
   <translation>Kandidaten verschieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Set precision</source>
   <translation>Genauigkeit angeben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Write note</source>
   <translation>Notiz schreiben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Select a candidate in the table or on the map.</source>
   <translation>Wählen Sie einen Kandidaten in der Tabelle oder auf der Karte.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>{} candidates selected</source>
   <translation>{} Kandidaten gewählt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Nothing decided yet.</source>
   <translation>Noch nichts entschieden.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>no name given</source>
   <translation>kein Name angegeben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Last changed {} ({})</source>
   <translation>Zuletzt geändert am {} ({})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Mark the selected candidates as {} (key {} in the table)</source>
   <translation>Die gewählten Kandidaten als {} markieren (Taste {} in der Tabelle)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source> m</source>
   <translation> m</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>How precise the position is, in metres</source>
   <translation>Wie genau die Position ist, in Metern</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>What decided it</source>
   <translation>Was den Ausschlag gab</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>A note that is kept with the selected candidates</source>
   <translation>Eine Notiz, die bei den gewählten Kandidaten bleibt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Your name</source>
   <translation>Ihr Name</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>The name that is written beside your decisions</source>
   <translation>Der Name, der neben Ihren Entscheidungen steht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Analyst:</source>
   <translation>Auswertung:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Precision:</source>
   <translation>Genauigkeit:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/decisions.py" />
   <source>Note:</source>
   <translation>Notiz:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Set up engine…</source>
   <translation>Engine einrichten …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Try again</source>
   <translation>Noch einmal versuchen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Settings…</source>
   <translation>Einstellungen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Copy details</source>
   <translation>Einzelheiten kopieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Install the engine's own Python environment; QGIS's Python is not touched</source>
   <translation>Die eigene Python-Umgebung der Engine installieren; das Python von QGIS bleibt unberührt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Start the engine again</source>
   <translation>Die Engine noch einmal starten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Open the options page of CSI Geolocator</source>
   <translation>Die Optionsseite von CSI Geolocator öffnen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>Copy versions, settings and the engine's log to the clipboard</source>
   <translation>Versionen, Einstellungen und das Protokoll der Engine in die Zwischenablage kopieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>The engine is not set up yet</source>
   <translation>Die Engine ist noch nicht eingerichtet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>The engine cannot be started</source>
   <translation>Die Engine lässt sich nicht starten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>The engine stopped working</source>
   <translation>Die Engine arbeitet nicht mehr</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/engine_banner.py" />
   <source>This did not work</source>
   <translation>Das ging nicht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Engine of CSI Geolocator</source>
   <translation>Engine von CSI Geolocator</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>The set-up is not finished. What was fetched is kept, and the next set-up goes on where this one stopped. Stop it now?</source>
   <translation>Die Einrichtung ist nicht fertig. Was geholt wurde, bleibt, und die nächste Einrichtung geht weiter, wo diese aufgehört hat. Jetzt anhalten?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Looking for Python and GPU</source>
   <translation>Python und Grafikkarte werden gesucht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>The engine's environment in {0} is deleted, and the packages that were kept in {1}. Photos, results and galleries are not touched. Remove the engine?</source>
   <translation>Die Umgebung der Engine in {0} und die aufbewahrten Pakete in {1} werden gelöscht. Fotos, Ergebnisse und Galerien bleiben unberührt. Die Engine entfernen?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>The engine is working. What was computed is kept, but a run that is stopped has to be started again. Stop the engine?</source>
   <translation>Die Engine arbeitet. Was berechnet wurde, bleibt erhalten, aber ein abgebrochener Lauf muss neu gestartet werden. Die Engine beenden?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>But: {}</source>
   <translation>Aber: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>An environment of its own</source>
   <translation>Eine eigene Umgebung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Or a Python that is already there</source>
   <translation>Oder ein vorhandenes Python</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>The program 'python' of an environment that holds the engine's libraries</source>
   <translation>Das Programm „python“ einer Umgebung, die die Bibliotheken der Engine enthält</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Python of an environment</source>
   <translation>Python einer Umgebung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>It has to hold the engine's packages; the Python of QGIS is refused.</source>
   <translation>Es muss die Pakete der Engine enthalten; das Python von QGIS wird abgelehnt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>P&amp;ython:</source>
   <translation>P&amp;ython:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Set up</source>
   <translation>Einrichten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Fetch and install the engine's packages</source>
   <translation>Die Pakete der Engine holen und installieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Repair</source>
   <translation>Reparieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Make the environment anew</source>
   <translation>Die Umgebung neu anlegen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Check</source>
   <translation>Prüfen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Let the engine check itself and compute</source>
   <translation>Die Engine sich selbst prüfen und rechnen lassen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Remove…</source>
   <translation>Entfernen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Delete what this window made</source>
   <translation>Löschen, was dieses Fenster angelegt hat</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Check and use</source>
   <translation>Prüfen und benutzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Use this Python if it works</source>
   <translation>Dieses Python benutzen, wenn es taugt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Copy diagnostics</source>
   <translation>Diagnose kopieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Copy versions, state and log to the clipboard</source>
   <translation>Versionen, Zustand und Protokoll in die Zwischenablage kopieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Stop</source>
   <translation>Anhalten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Stop; the next set-up goes on where this one stopped</source>
   <translation>Anhalten; die nächste Einrichtung geht weiter, wo diese aufgehört hat</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Close</source>
   <translation>Schließen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_dialog.py" />
   <source>Close this window</source>
   <translation>Dieses Fenster schließen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>Photos are compared by an engine in a process and a Python environment of its own. Nothing is installed into the Python of QGIS. The packages are pinned and come from the usual package index of the installer, which hears your address and what is fetched, and nothing of your photos or projects.</source>
   <translation>Eine Engine vergleicht die Fotos, in einem eigenen Prozess und mit eigener Python-Umgebung. In das Python von QGIS wird nichts installiert. Die Pakete sind festgelegt und kommen aus dem üblichen Paketverzeichnis des Installationsprogramms; es erfährt Ihre Adresse und was geholt wird, aber nichts von Ihren Fotos oder Projekten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>Finish set-up</source>
   <translation>Einrichtung beenden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>Update</source>
   <translation>Aktualisieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>Set up again</source>
   <translation>Neu einrichten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>The Python that was chosen for the engine is not there any more.</source>
   <translation>Das für die Engine gewählte Python ist nicht mehr da.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>The engine uses the Python that was chosen: {}</source>
   <translation>Die Engine benutzt das gewählte Python: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>The engine is set up, but: {}</source>
   <translation>Die Engine ist eingerichtet, aber: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>The engine is set up. It computes on {}.</source>
   <translation>Die Engine ist eingerichtet. Sie rechnet auf {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>The engine is not set up yet.</source>
   <translation>Die Engine ist noch nicht eingerichtet.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>A set-up was not finished. It goes on where it stopped; what was fetched is kept.</source>
   <translation>Eine Einrichtung wurde nicht fertig. Sie geht weiter, wo sie aufgehört hat; was geholt wurde, bleibt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>This version of the plugin needs other packages: update the environment.</source>
   <translation>Diese Version der Erweiterung braucht andere Pakete: Aktualisieren Sie die Umgebung.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/environment_words.py" />
   <source>The chosen place is a folder that this plugin did not make: choose another.</source>
   <translation>Den gewählten Ordner hat diese Erweiterung nicht angelegt: Wählen Sie einen anderen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>{} places</source>
   <translation>{} Orte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>{} requests</source>
   <translation>{} Anfragen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>{} MB</source>
   <translation>{} MB</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>nothing to fetch</source>
   <translation>nichts zu holen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>About {}</source>
   <translation>Etwa {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>{0}: {1} requests, {2} MB</source>
   <translation>{0}: {1} Anfragen, {2} MB</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>{:.0f} s</source>
   <translation>{:.0f} s</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>{:.0f} min</source>
   <translation>{:.0f} min</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/estimator.py" />
   <source>{:.1f} h</source>
   <translation>{:.1f} h</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>exact</source>
   <translation>genau</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>to about 1 m (5 decimals)</source>
   <translation>auf etwa 1 m (5 Nachkommastellen)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>to about 10 m (4 decimals)</source>
   <translation>auf etwa 10 m (4 Nachkommastellen)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>to about 100 m (3 decimals)</source>
   <translation>auf etwa 100 m (3 Nachkommastellen)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>to about 1 km (2 decimals)</source>
   <translation>auf etwa 1 km (2 Nachkommastellen)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>How exact the coordinates in the copy are</source>
   <translation>Wie genau die Koordinaten in der Kopie sind</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Write the heading too</source>
   <translation>Auch die Blickrichtung schreiben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>The direction in which the camera looked</source>
   <translation>Die Richtung, in die die Kamera blickte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>The photo was cropped: the heading is of the crop's middle, not of the photo's</source>
   <translation>Das Foto wurde beschnitten: die Blickrichtung ist die der Mitte des Ausschnitts, nicht des Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Leave out the photo's other metadata (camera, time, owner)</source>
   <translation>Die übrigen Metadaten des Fotos weglassen (Kamera, Zeit, Eigentümer)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>The copy holds the position alone</source>
   <translation>Die Kopie enthält allein die Position</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Photos (*.jpg *.jpeg *.png *.tif *.tiff *.webp)</source>
   <translation>Fotos (*.jpg *.jpeg *.png *.tif *.tiff *.webp)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Position:</source>
   <translation>Position:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Coordinates:</source>
   <translation>Koordinaten:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>File:</source>
   <translation>Datei:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Write the copy</source>
   <translation>Die Kopie schreiben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Remove all rectangles</source>
   <translation>Alle Rechtecke entfernen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Blur nothing</source>
   <translation>Nichts unkenntlich machen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Faces or number plates? Drag rectangles over them: the copy blurs them.</source>
   <translation>Gesichter oder Kennzeichen? Ziehen Sie Rechtecke darüber: Die Kopie macht sie unkenntlich.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>{} is the photo itself; choose another file.</source>
   <translation>{} ist das Foto selbst; wählen Sie eine andere Datei.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Writing {}…</source>
   <translation>{} wird geschrieben …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>Written: {}</source>
   <translation>Geschrieben: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_copy.py" />
   <source>The copy was not written: {}</source>
   <translation>Die Kopie wurde nicht geschrieben: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>The kind of file</source>
   <translation>Die Art der Datei</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>A GeoPackage holds the fields of view and the styles too. The paths of your photos are left out.</source>
   <translation>Ein GeoPackage enthält auch die Sichtfelder und die Stile. Die Pfade Ihrer Fotos bleiben weg.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Photos:</source>
   <translation>Fotos:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Decisions:</source>
   <translation>Entscheidungen:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Format:</source>
   <translation>Format:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Export candidates</source>
   <translation>Kandidaten exportieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Whose candidates are written</source>
   <translation>Wessen Kandidaten geschrieben werden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>All photos ({})</source>
   <translation>Alle Fotos ({})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Only {}</source>
   <translation>Nur {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Selected candidates ({})</source>
   <translation>Gewählte Kandidaten ({})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>Write candidates that are {}</source>
   <translation>Kandidaten schreiben mit der Entscheidung: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_data.py" />
   <source>{} candidates written to {}</source>
   <translation>{} Kandidaten nach {} geschrieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_dialog.py" />
   <source>Export results</source>
   <translation>Ergebnisse exportieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_dialog.py" />
   <source>Data</source>
   <translation>Daten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_dialog.py" />
   <source>Copy of the photo</source>
   <translation>Kopie des Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_dialog.py" />
   <source>Report</source>
   <translation>Bericht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_page.py" />
   <source>Choose a file to write.</source>
   <translation>Wählen Sie eine Datei, in die geschrieben wird.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_page.py" />
   <source>{} is there already. Replace it?</source>
   <translation>{} gibt es schon. Ersetzen?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_page.py" />
   <source>Where it is written</source>
   <translation>Wohin geschrieben wird</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_page.py" />
   <source>{}, rank {}, {}</source>
   <translation>{}, Rang {}, {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_report.py" />
   <source>PDF, one page</source>
   <translation>PDF, eine Seite</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_report.py" />
   <source>HTML, one file</source>
   <translation>HTML, eine Datei</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_report.py" />
   <source>About:</source>
   <translation>Über:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_report.py" />
   <source>One page with photo, map, evidence, probability, your decision, the model and the sources. The map shows the layers that are on in the project. The street view is on it where you compared this candidate.</source>
   <translation>Eine Seite mit Foto, Karte, Indizien, Wahrscheinlichkeit, Ihrer Entscheidung, dem Modell und den Quellen. Die Karte zeigt die Layer, die im Projekt eingeschaltet sind. Die Straßenansicht steht darauf, wenn Sie diesen Kandidaten verglichen haben.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_report.py" />
   <source>Write the report</source>
   <translation>Den Bericht schreiben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/export_report.py" />
   <source>Drawing the map…</source>
   <translation>Die Karte wird gezeichnet …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>photos</source>
   <translation>Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>an area</source>
   <translation>ein Gebiet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>Still needed: {}.</source>
   <translation>Noch nötig: {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source> and </source>
   <translation> und </translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>'{}' needs a key; enter it in Settings.</source>
   <translation>„{}“ braucht einen Schlüssel; geben Sie ihn in den Einstellungen ein.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>'{}' is not used without your consent; choose another source.</source>
   <translation>„{}“ wird ohne Ihre Zustimmung nicht benutzt; wählen Sie eine andere Quelle.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>Choose imagery or street views: there is nothing to compare the photos with.</source>
   <translation>Wählen Sie Bilddaten oder Straßenansichten: Es gibt nichts, womit die Fotos verglichen werden könnten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>The key of '{}' cannot be read; unlock QGIS's authentication store with the master password and try again.</source>
   <translation>Der Schlüssel von „{}“ lässt sich nicht lesen; entsperren Sie den Authentifizierungsspeicher von QGIS mit dem Hauptpasswort, und versuchen Sie es noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>Choose an area.</source>
   <translation>Wählen Sie ein Gebiet.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>Photos</source>
   <translation>Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>Area</source>
   <translation>Gebiet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>Compared with</source>
   <translation>Verglichen mit</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_form.py" />
   <source>Model</source>
   <translation>Modell</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_tab.py" />
   <source>The engine has to be set up first: see above.</source>
   <translation>Die Engine muss zuerst eingerichtet werden: siehe oben.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_tab.py" />
   <source>The folder for results cannot be written ({}); choose another.</source>
   <translation>Der Ordner für Ergebnisse lässt sich nicht beschreiben ({}); wählen Sie einen anderen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_tab.py" />
   <source>{} photos answered.</source>
   <translation>{} Fotos beantwortet.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_tab.py" />
   <source>{} photos failed; the table says why.</source>
   <translation>{} Fotos sind gescheitert; die Tabelle sagt, warum.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_tab.py" />
   <source>Stopped.</source>
   <translation>Abgebrochen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/locate_tab.py" />
   <source>The run failed: the engine stopped working, see above.</source>
   <translation>Der Lauf ist gescheitert: Die Engine arbeitet nicht mehr, siehe oben.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_card.py" />
   <source>The model and its limits</source>
   <translation>Das Modell und seine Grenzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_card.py" />
   <source>The card of this model cannot be read ({}). Choose the model again.</source>
   <translation>Die Karte dieses Modells ist nicht lesbar ({}). Wählen Sie das Modell noch einmal.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>{0} has no card that can be read ({1}).</source>
   <translation>{0} hat keine lesbare Karte ({1}).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>its card does not say; trust it accordingly.</source>
   <translation>seine Karte sagt es nicht; trauen Sie ihm entsprechend.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>The trained model that compares photos with places</source>
   <translation>Das trainierte Modell, das Fotos mit Orten vergleicht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>Other folder…</source>
   <translation>Anderer Ordner …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>Model card…</source>
   <translation>Modellkarte …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>What the model learned, how often it is right, and its limits</source>
   <translation>Was das Modell gelernt hat, wie oft es richtig liegt, und seine Grenzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>Model card: {}</source>
   <translation>Modellkarte: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>Folder of a trained model</source>
   <translation>Ordner eines trainierten Modells</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>{} holds no model: a bundle has config.json and card.md.</source>
   <translation>{} enthält kein Modell: Dazu gehören config.json und card.md.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>Learned from: {}</source>
   <translation>Gelernt aus: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/model_picker.py" />
   <source>No model is packaged; install the plugin again.</source>
   <translation>Kein Modell ist mitgeliefert; installieren Sie die Erweiterung neu.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/panel.py" />
   <source>Photos are compared by an engine with a Python environment of its own; nothing is installed into the Python of QGIS. Setting it up takes one download and some minutes.</source>
   <translation>Eine Engine mit eigener Python-Umgebung vergleicht die Fotos; in das Python von QGIS wird nichts installiert. Die Einrichtung braucht einen Download und einige Minuten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/panel.py" />
   <source>Locate</source>
   <translation>Verorten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/panel.py" />
   <source>Results</source>
   <translation>Ergebnisse</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/panel.py" />
   <source>Photos, area, references; start a run here</source>
   <translation>Fotos, Gebiet, Referenzen; hier beginnt ein Lauf</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/panel.py" />
   <source>What the run found, as it comes</source>
   <translation>Was der Lauf gefunden hat, sobald es da ist</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_card.py" />
   <source>and {} more (point here)</source>
   <translation>und {} weitere (hierher zeigen)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Edit {}</source>
   <translation>{} bearbeiten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Drag a frame around what is to be compared</source>
   <translation>Ziehen Sie einen Rahmen um das, was verglichen werden soll</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>reading …</source>
   <translation>wird gelesen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>When the photo was taken, in the time zone that its file names, else in UTC; it decides which street views serve</source>
   <translation>Wann das Foto aufgenommen wurde, in der Zeitzone, die seine Datei nennt, sonst in UTC; danach richtet sich, welche Straßenansichten gelten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>not known</source>
   <translation>nicht bekannt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>as the file says</source>
   <translation>wie in der Datei</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>as the file says: {:.0f}°</source>
   <translation>wie in der Datei: {:.0f}°</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Degrees from the left to the right edge of what is left of the photo</source>
   <translation>Grad vom linken zum rechten Rand dessen, was vom Foto übrig ist</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Where the frame's edge is, in per cent of the photo</source>
   <translation>Wo die Kante des Rahmens liegt, in Prozent des Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Taken at</source>
   <translation>Aufgenommen am</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Field of view</source>
   <translation>Bildwinkel</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Frame left, top</source>
   <translation>Rahmen links, oben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Frame right, bottom</source>
   <translation>Rahmen rechts, unten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>The file is not touched; the engine turns and crops its own copy.</source>
   <translation>Die Datei bleibt unberührt; die Engine dreht und beschneidet ihre eigene Kopie.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>A quarter turn</source>
   <translation>Eine Vierteldrehung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Undo every edit</source>
   <translation>Jede Bearbeitung zurücknehmen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Turn left</source>
   <translation>Nach links drehen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>Turn right</source>
   <translation>Nach rechts drehen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_editor.py" />
   <source>As the file says</source>
   <translation>Wie in der Datei</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Drop photos or folders here; Return edits, Delete removes</source>
   <translation>Fotos oder Ordner hier ablegen; Eingabe bearbeitet, Entf entfernt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Drop photos or folders here</source>
   <translation>Fotos oder Ordner hier ablegen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>No photo was found in what was added.</source>
   <translation>In dem, was hinzugefügt wurde, fand sich kein Foto.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>These photos are in the list already.</source>
   <translation>Diese Fotos stehen schon in der Liste.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Photos to locate</source>
   <translation>Fotos zum Verorten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Photos ({});;All files (*)</source>
   <translation>Fotos ({});;Alle Dateien (*)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Folder of photos to locate</source>
   <translation>Ordner mit Fotos zum Verorten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>No photo yet.</source>
   <translation>Noch kein Foto.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>{0} photos, {1} of them cannot be used.</source>
   <translation>{0} Fotos, davon {1} nicht verwendbar.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>{} photos.</source>
   <translation>{} Fotos.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>1 photo.</source>
   <translation>1 Foto.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>What was added holds more than {} photos; the rest was left out.</source>
   <translation>Hinzugefügt wurden mehr als {} Fotos; der Rest wurde weggelassen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Add photos…</source>
   <translation>Fotos hinzufügen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Add a folder…</source>
   <translation>Einen Ordner hinzufügen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Edit the photo…</source>
   <translation>Das Foto bearbeiten …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Remove from the list</source>
   <translation>Aus der Liste entfernen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Clear the list</source>
   <translation>Die Liste leeren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_list.py" />
   <source>Bring back what was removed</source>
   <translation>Entferntes zurückholen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>Cannot be used: {}</source>
   <translation>Nicht zu gebrauchen: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>no time, position or heading known</source>
   <translation>weder Zeit, Position noch Blickrichtung bekannt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>Field of view from: {}</source>
   <translation>Bildwinkel aus: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>Edited here; the file is not touched.</source>
   <translation>Hier bearbeitet; die Datei bleibt unberührt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>panorama</source>
   <translation>Panorama</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>{:.0f}° wide</source>
   <translation>{:.0f}° breit</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>GPS {:.5f}, {:.5f}</source>
   <translation>GPS {:.5f}, {:.5f}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/photo_model.py" />
   <source>heading {:.0f}°</source>
   <translation>Blickrichtung {:.0f}°</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>Use a reference pack for all</source>
   <translation>Für alles ein Referenzpaket benutzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>A folder with the imagery, street views and roads of an area, fetched before</source>
   <translation>Ein Ordner mit Bilddaten, Straßenansichten und Straßen eines Gebiets, vorher geholt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>The folder that 'Fetch references' wrote</source>
   <translation>Der Ordner, den „Referenzen holen“ geschrieben hat</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>Choose the folder of the reference pack, or untick the pack.</source>
   <translation>Wählen Sie den Ordner des Referenzpakets, oder nehmen Sie das Häkchen weg.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>Imagery</source>
   <translation>Bilddaten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>Street views</source>
   <translation>Straßenansichten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>Roads</source>
   <translation>Straßen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>No roads: places on a grid</source>
   <translation>Keine Straßen: Orte auf einem Raster</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>File…</source>
   <translation>Datei …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>Places are laid along these lines; without any they are laid on a grid</source>
   <translation>Orte liegen entlang dieser Linien; ohne sie auf einem Raster</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>No imagery</source>
   <translation>Keine Bilddaten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/references_picker.py" />
   <source>Satellite or aerial imagery: a raster layer of the project, a file, or a source</source>
   <translation>Satelliten- oder Luftbilder: ein Rasterlayer des Projekts, eine Datei oder eine Quelle</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/region_picker.py" />
   <source>Regions to blur</source>
   <translation>Bereiche zum Unkenntlichmachen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/region_picker.py" />
   <source>Drag to draw a rectangle; click one and press Delete to remove it</source>
   <translation>Ziehen zeichnet ein Rechteck; anklicken und Entf entfernt es</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/region_picker.py" />
   <source>No photo to show</source>
   <translation>Kein Foto zu zeigen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Show the candidates of one photo, or of all</source>
   <translation>Die Kandidaten eines Fotos zeigen oder die aller</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Show candidates with this decision</source>
   <translation>Kandidaten mit dieser Entscheidung zeigen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Any decision</source>
   <translation>Jede Entscheidung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Map too</source>
   <translation>Auch Karte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Let the map show the chosen photo's candidates only</source>
   <translation>Die Karte nur die Kandidaten des gewählten Fotos zeigen lassen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Previous photo</source>
   <translation>Voriges Foto</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Next photo</source>
   <translation>Nächstes Foto</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Compare…</source>
   <translation>Vergleichen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>See the photo beside street view and satellite image at the matched heading</source>
   <translation>Das Foto neben Straßenansicht und Satellitenbild in der gefundenen Blickrichtung sehen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Export…</source>
   <translation>Exportieren …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Data, a copy of the photo, a report</source>
   <translation>Daten, eine Kopie des Fotos, ein Bericht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Model…</source>
   <translation>Modell …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>What the model was trained on, and where it may be trusted</source>
   <translation>Woran das Modell trainiert wurde, und wo ihm zu trauen ist</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Open…</source>
   <translation>Öffnen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Open the analysis.gpkg that an earlier run left in its results folder</source>
   <translation>Die analysis.gpkg öffnen, die ein früherer Lauf in seinem Ergebnisordner hinterlassen hat</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Open here in</source>
   <translation>Hier öffnen in</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>Open the position in a web viewer; its operator learns the position</source>
   <translation>Die Position in einer Ansicht im Web öffnen; deren Betreiber erfährt sie</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_bars.py" />
   <source>{} (north up)</source>
   <translation>{} (Norden oben)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_messages.py" />
   <source>Show the run</source>
   <translation>Den Lauf zeigen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_messages.py" />
   <source>Show what the run found; the earlier results stay on disk</source>
   <translation>Zeigen, was der Lauf fand; die früheren Ergebnisse bleiben auf dem Datenträger</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_messages.py" />
   <source>Close this message</source>
   <translation>Diese Meldung schließen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/result_messages.py" />
   <source>The run has ended. What is shown here are earlier results.</source>
   <translation>Der Lauf ist fertig. Gezeigt werden hier frühere Ergebnisse.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/results.py" />
   <source>Sources: {}</source>
   <translation>Quellen: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/results.py" />
   <source>The map's coordinate system does not reach this candidate.</source>
   <translation>Das Koordinatensystem der Karte reicht nicht bis zu diesem Kandidaten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/results.py" />
   <source>Open earlier results</source>
   <translation>Frühere Ergebnisse öffnen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/results.py" />
   <source>Results (*.gpkg)</source>
   <translation>Ergebnisse (*.gpkg)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/results.py" />
   <source>No results yet. Choose photos and an area under Locate and run; candidates appear here and on the map as they come.</source>
   <translation>Noch keine Ergebnisse. Wählen Sie unter „Verorten“ Fotos und ein Gebiet, und starten Sie; Kandidaten erscheinen hier und auf der Karte, sobald sie da sind.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/results.py" />
   <source>Open earlier results…</source>
   <translation>Frühere Ergebnisse öffnen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>How far the present stage of the run is</source>
   <translation>Wie weit der jetzige Schritt des Laufs ist</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Cancel</source>
   <translation>Abbrechen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Stop the run; what was built of the gallery is kept</source>
   <translation>Den Lauf abbrechen; was von der Galerie fertig ist, bleibt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>{0}. This is over the limit that you set ({1}); search a smaller area, or raise the limit in Settings.</source>
   <translation>{0}. Das überschreitet die Grenze, die Sie gesetzt haben ({1}); suchen Sie in einem kleineren Gebiet, oder heben Sie die Grenze in den Einstellungen an.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Starting with {} photos …</source>
   <translation>Beginn mit {} Fotos …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Starting …</source>
   <translation>Beginn …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Stopping …</source>
   <translation>Wird abgebrochen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Locate the photos in the area (Ctrl+Return)</source>
   <translation>Die Fotos im Gebiet verorten (Strg+Eingabe)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>{0} {1} of {2}</source>
   <translation>{0} {1} von {2}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Reading photos</source>
   <translation>Fotos werden gelesen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Looking for street views and roads</source>
   <translation>Suche nach Straßenansichten und Straßen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Imagery fetched</source>
   <translation>Bilddaten geholt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Street views fetched</source>
   <translation>Straßenansichten geholt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Places</source>
   <translation>Orte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Photos located</source>
   <translation>Fotos verortet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Comparing with places</source>
   <translation>Vergleich mit Orten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Places seen from beside</source>
   <translation>Von nebenan betrachtete Orte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Street views verified</source>
   <translation>Straßenansichten geprüft</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Street views written</source>
   <translation>Straßenansichten geschrieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_bar.py" />
   <source>Results written</source>
   <translation>Ergebnisse geschrieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Options</source>
   <translation>Optionen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>How places are laid, which street views serve, how much is verified</source>
   <translation>Wie Orte liegen, welche Straßenansichten dienen, wie viel geprüft wird</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Offline: cache and local files only</source>
   <translation>Offline: nur Zwischenspeicher und lokale Dateien</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Make no request at all</source>
   <translation>Keine einzige Anfrage stellen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>in the QGIS profile</source>
   <translation>im QGIS-Profil</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Every run writes into a folder of its own in here</source>
   <translation>Jeder Lauf schreibt hier in einen eigenen Ordner</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Results in</source>
   <translation>Ergebnisse in</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Spacing of places</source>
   <translation>Abstand der Orte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Metres between two places along the roads</source>
   <translation>Meter zwischen zwei Orten entlang der Straßen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Street view within</source>
   <translation>Straßenansicht bis</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>A place is served by street views no farther away than this</source>
   <translation>Einem Ort dienen Straßenansichten, die nicht weiter entfernt sind</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Street view's age</source>
   <translation>Alter der Straßenansicht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Most days between the photo and a street view</source>
   <translation>Höchstens so viele Tage zwischen Foto und Straßenansicht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source> days</source>
   <translation> Tage</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Without street view</source>
   <translation>Ohne Straßenansicht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>What is done at places without a street view of the right time</source>
   <translation>Was an Orten ohne Straßenansicht aus der richtigen Zeit geschieht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>use the imagery alone</source>
   <translation>nur die Bilddaten nutzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>leave the place out</source>
   <translation>den Ort auslassen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>take the nearest street view of any time</source>
   <translation>die nächste Straßenansicht beliebigen Alters nehmen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>let the model make one</source>
   <translation>das Modell eine erzeugen lassen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Taken after</source>
   <translation>Aufgenommen nach</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Only street views taken on this day or later</source>
   <translation>Nur Straßenansichten von diesem Tag oder später</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Taken before</source>
   <translation>Aufgenommen vor</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Only street views taken before this day; the day itself is left out</source>
   <translation>Nur Straßenansichten aus der Zeit vor diesem Tag; der Tag selbst zählt nicht dazu</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Candidates kept</source>
   <translation>Kandidaten behalten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>How many candidates are kept of each photo</source>
   <translation>Wie viele Kandidaten eines Fotos behalten werden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Device</source>
   <translation>Gerät</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>What the model runs on; 'auto' takes a graphics card where it works</source>
   <translation>Worauf das Modell rechnet; „auto“ nimmt eine Grafikkarte, wo sie arbeitet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>every street view</source>
   <translation>jede Straßenansicht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source> street views</source>
   <translation> Straßenansichten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>Verified a photo</source>
   <translation>Geprüft je Foto</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>How many street views are compared point by point with each photo; 0 for none</source>
   <translation>Wie viele Straßenansichten Punkt für Punkt mit jedem Foto verglichen werden; 0 für keine</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_options.py" />
   <source>any day</source>
   <translation>jeder Tag</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/run_results.py" />
   <source>No run yet: the candidates will be listed here as they are found.</source>
   <translation>Noch kein Lauf: Die Kandidaten erscheinen hier, sobald sie gefunden sind.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>looking…</source>
   <translation>wird gesucht …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Automatic</source>
   <translation>Automatisch</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>{} holds files that this plugin did not make: choose an empty folder.</source>
   <translation>{} enthält Dateien, die diese Erweiterung nicht angelegt hat: Wählen Sie einen leeren Ordner.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Automatic: {}</source>
   <translation>Automatisch: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Python by uv</source>
   <translation>Python von uv</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Place of the engine's environment</source>
   <translation>Ort der Umgebung der Engine</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Folder of packages</source>
   <translation>Ordner mit Paketen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>empty: the usual index of the installer</source>
   <translation>leer: das übliche Verzeichnis des Installationsprogramms</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>What the engine computes on; automatic suits most people</source>
   <translation>Worauf die Engine rechnet; „automatisch“ passt meistens</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>The Python that the environment is made with; it is not changed</source>
   <translation>Das Python, mit dem die Umgebung angelegt wird; es wird nicht verändert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>A folder that is empty or does not exist yet</source>
   <translation>Ein Ordner, der leer ist oder noch nicht besteht</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Address of a package index that has another build of torch</source>
   <translation>Adresse eines Paketverzeichnisses mit einer anderen Fassung von torch</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>A folder that holds every package as a wheel file, for machines offline</source>
   <translation>Ein Ordner mit jedem Paket als Wheel-Datei, für Rechner ohne Netzwerk</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>&amp;Computes on:</source>
   <translation>Rechnet &amp;auf:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>&amp;Python:</source>
   <translation>&amp;Python:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Installed by:</source>
   <translation>Installiert von:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>P&amp;lace:</source>
   <translation>&amp;Ort:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Size:</source>
   <translation>Größe:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Time:</source>
   <translation>Zeit:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Network and offline</source>
   <translation>Netzwerk und offline</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Proxy:</source>
   <translation>Proxy:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Package &amp;index for torch:</source>
   <translation>Paketverze&amp;ichnis für torch:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Only for another build of torch (CUDA on Windows, CPU on Linux). What comes from it is not checked against the pinned sums; everything else is.</source>
   <translation>Nur für eine andere Fassung von torch (CUDA auf Windows, CPU auf Linux). Was von dort kommt, wird nicht mit den festgelegten Prüfsummen verglichen; alles andere schon.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>&amp;Offline folder:</source>
   <translation>&amp;Offline-Ordner:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>NVIDIA GPU (CUDA)</source>
   <translation>NVIDIA-Grafikkarte (CUDA)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Processor (CPU)</source>
   <translation>Prozessor (CPU)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>Apple GPU (MPS)</source>
   <translation>Apple-Grafikeinheit (MPS)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>about {0:.1f} GB</source>
   <translation>etwa {0:.1f} GB</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>({0:.1f} GB to fetch)</source>
   <translation>({0:.1f} GB zu holen)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>{0:.0f} GB are free</source>
   <translation>{0:.0f} GB sind frei</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>about {} minutes</source>
   <translation>etwa {} Minuten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_form.py" />
   <source>about {0} to {1} minutes at 50 Mbit/s</source>
   <translation>etwa {0} bis {1} Minuten bei 50 Mbit/s</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_progress.py" />
   <source>How far the set-up is</source>
   <translation>Wie weit die Einrichtung ist</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_progress.py" />
   <source>What the installer and the engine said</source>
   <translation>Was Installationsprogramm und Engine gesagt haben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_progress.py" />
   <source>Step {0} of {1}: {2}</source>
   <translation>Schritt {0} von {1}: {2}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_progress.py" />
   <source>{0}:{1:02d} minutes</source>
   <translation>{0}:{1:02d} Minuten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_progress.py" />
   <source>{:.1f} GB written</source>
   <translation>{:.1f} GB geschrieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/set_up_progress.py" />
   <source>Log</source>
   <translation>Protokoll</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>counting…</source>
   <translation>wird gezählt …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Work &amp;offline: local files and what the cache holds</source>
   <translation>&amp;Offline arbeiten: lokale Dateien und was der Zwischenspeicher enthält</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Counting the cache</source>
   <translation>Der Zwischenspeicher wird gezählt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Everything that was fetched into {} is deleted, and fetched again where it is needed. Results and galleries are not touched. Clear the cache?</source>
   <translation>Alles, was nach {} geholt wurde, wird gelöscht und neu geholt, wo es gebraucht wird. Ergebnisse und Galerien bleiben unberührt. Den Zwischenspeicher leeren?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>emptying…</source>
   <translation>wird geleert …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Emptying the cache</source>
   <translation>Der Zwischenspeicher wird geleert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>your@address.example</source>
   <translation>Ihre@Adresse.example</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>no limit</source>
   <translation>keine Grenze</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>What the engine computes on</source>
   <translation>Worauf die Engine rechnet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Where fetched imagery and views are kept</source>
   <translation>Wo geholte Bilddaten und Ansichten bleiben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>The oldest entries go when it grows larger</source>
   <translation>Die ältesten Einträge gehen, wenn er größer wird</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>The engine makes no request at all</source>
   <translation>Die Engine stellt keine einzige Anfrage</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Sent to sources with each request, so that they can reach you (User-Agent)</source>
   <translation>Geht mit jeder Anfrage an die Quellen, damit sie Sie erreichen können (User-Agent)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>A run that would ask more often stops</source>
   <translation>Ein Lauf, der öfter fragen würde, hält an</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>A run that would fetch more stops</source>
   <translation>Ein Lauf, der mehr holen würde, hält an</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Written beside your decisions on candidates</source>
   <translation>Steht neben Ihren Entscheidungen über Kandidaten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>&amp;Set up engine…</source>
   <translation>&amp;Engine einrichten …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Set the engine up, choose another Python, check, repair, remove, diagnostics</source>
   <translation>Die Engine einrichten, ein anderes Python wählen, prüfen, reparieren, entfernen, Diagnose</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Engine</source>
   <translation>Engine</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Computes on:</source>
   <translation>Rechnet auf:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Sources and keys</source>
   <translation>Quellen und Schlüssel</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Clear…</source>
   <translation>Leeren …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Delete what was fetched</source>
   <translation>Geholtes löschen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Cache</source>
   <translation>Zwischenspeicher</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>&amp;Folder:</source>
   <translation>Or&amp;dner:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>&amp;At most:</source>
   <translation>&amp;Höchstens:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Now:</source>
   <translation>Jetzt:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Network</source>
   <translation>Netzwerk</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Proxy of QGIS:</source>
   <translation>Proxy von QGIS:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Co&amp;ntact:</source>
   <translation>Ko&amp;ntakt:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>&amp;Requests of a run:</source>
   <translation>An&amp;fragen eines Laufs:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>&amp;Megabytes of a run:</source>
   <translation>&amp;Megabyte eines Laufs:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Photos are compared on this machine and never sent anywhere. An online source hears your address, your contact and which places are looked at: for a sensitive case fetch a wider area beforehand, or work offline. Proxy and added certificates are those of QGIS (Network, Authentication).</source>
   <translation>Fotos werden auf diesem Rechner verglichen und nirgendwohin gesendet. Eine Onlinequelle erfährt Ihre Adresse, Ihren Kontakt und welche Orte angesehen werden: Holen Sie in einem heiklen Fall vorher ein größeres Gebiet, oder arbeiten Sie offline. Proxy und hinzugefügte Zertifikate sind die von QGIS (Netzwerk, Authentifizierung).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Analyst</source>
   <translation>Auswertende Person</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>Na&amp;me:</source>
   <translation>Na&amp;me:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>{:.0f} kB</source>
   <translation>{:.0f} kB</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>{:.1f} GB</source>
   <translation>{:.1f} GB</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/settings_page.py" />
   <source>{:.0f} MB</source>
   <translation>{:.0f} MB</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_catalogue.py" />
   <source>Use '{}' on these terms?</source>
   <translation>„{}“ unter diesen Bedingungen benutzen?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_catalogue.py" />
   <source>its pictures may not be shown beside a map of another provider</source>
   <translation>ihre Bilder dürfen nicht neben der Karte eines anderen Anbieters stehen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_catalogue.py" />
   <source>fetched anew for every run</source>
   <translation>wird für jeden Lauf neu geholt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_catalogue.py" />
   <source>The source and its options, as in {}</source>
   <translation>Die Quelle und ihre Optionen, wie in {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_picker.py" />
   <source>The layer '{}' is still being prepared; a moment.</source>
   <translation>Der Layer „{}“ wird noch vorbereitet; einen Moment.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_picker.py" />
   <source>{} is not there any more; choose another file.</source>
   <translation>{} ist nicht mehr da; wählen Sie eine andere Datei.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_picker.py" />
   <source>'{0}' needs a key of your own. {1}</source>
   <translation>„{0}“ braucht einen eigenen Schlüssel. {1}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_picker.py" />
   <source>name|option=value</source>
   <translation>Name|Option=Wert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_picker.py" />
   <source>The source and its options; Return takes them</source>
   <translation>Die Quelle und ihre Optionen; die Eingabetaste übernimmt sie</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_picker.py" />
   <source>Enter the key in Settings…</source>
   <translation>Schlüssel in den Einstellungen eingeben …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/source_picker.py" />
   <source>Open the options page, where keys are kept in QGIS's own store</source>
   <translation>Die Optionsseite öffnen, wo Schlüssel im Speicher von QGIS liegen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>&amp;Paste a key…</source>
   <translation>Schlüssel ein&amp;fügen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Re&amp;fresh the list</source>
   <translation>Liste auff&amp;rischen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>The list comes from the engine: ask for it once.</source>
   <translation>Die Liste kommt von der Engine: Fragen Sie sie einmal ab.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Asking the engine…</source>
   <translation>Die Engine wird gefragt …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>The key was not stored: QGIS's authentication store is locked.</source>
   <translation>Der Schlüssel wurde nicht gespeichert: Der Authentifizierungsspeicher von QGIS ist gesperrt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>The key of {} is stored.</source>
   <translation>Der Schlüssel von {} ist gespeichert.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>{} sources.</source>
   <translation>{} Quellen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Key of {} (kept by QGIS's authentication store alone):</source>
   <translation>Schlüssel von {} (allein im Authentifizierungsspeicher von QGIS):</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>A ticked source is offered in the panel</source>
   <translation>Eine angehakte Quelle wird im Bedienfeld angeboten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Source</source>
   <translation>Quelle</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Gives</source>
   <translation>Liefert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Key</source>
   <translation>Schlüssel</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>The entry of the authentication store that holds the key</source>
   <translation>Der Eintrag des Authentifizierungsspeichers, der den Schlüssel enthält</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Make an entry of the authentication store from a key</source>
   <translation>Aus einem Schlüssel einen Eintrag des Authentifizierungsspeichers machen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Ask the engine which sources it knows</source>
   <translation>Die Engine fragen, welche Quellen sie kennt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>&amp;Key:</source>
   <translation>&amp;Schlüssel:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>imagery</source>
   <translation>Bilddaten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>street views</source>
   <translation>Straßenansichten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>roads</source>
   <translation>Straßen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>not needed</source>
   <translation>nicht nötig</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>stored</source>
   <translation>gespeichert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>missing</source>
   <translation>fehlt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>optional</source>
   <translation>möglich</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>kept in the cache</source>
   <translation>im Zwischenspeicher bleiben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>trained on</source>
   <translation>zum Training dienen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>shown beside other maps</source>
   <translation>neben anderen Karten stehen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Licence: {}.</source>
   <translation>Lizenz: {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>Attribution: {}.</source>
   <translation>Quellenangabe: {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/sources_form.py" />
   <source>May not be {}.</source>
   <translation>Darf nicht {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Add a folder or a table. Online sources are listed once there are photos.</source>
   <translation>Fügen Sie einen Ordner oder eine Tabelle hinzu. Onlinequellen erscheinen, sobald es Fotos gibt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Tick what the photos are compared with; several may be ticked</source>
   <translation>Haken Sie an, womit die Fotos verglichen werden; mehrere sind möglich</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Options…</source>
   <translation>Optionen …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Change what follows the source's name</source>
   <translation>Ändern, was auf den Namen der Quelle folgt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>{} is not there any more; take it off the list of street views.</source>
   <translation>{} ist nicht mehr da; nehmen Sie es aus der Liste der Straßenansichten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Folder of street-view photos</source>
   <translation>Ordner mit Fotos von Straßenansichten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Table of street views</source>
   <translation>Tabelle von Straßenansichten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Folder…</source>
   <translation>Ordner …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Add a folder of photos or panoramas with positions in their files</source>
   <translation>Einen Ordner mit Fotos oder Panoramen hinzufügen, deren Dateien Positionen enthalten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Table…</source>
   <translation>Tabelle …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Add a table with one street view a row: path, lon, lat, heading_deg …</source>
   <translation>Eine Tabelle mit einer Straßenansicht je Zeile hinzufügen: path, lon, lat, heading_deg …</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Remove</source>
   <translation>Entfernen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/street_view_picker.py" />
   <source>Take the selected folder or table off the list</source>
   <translation>Den gewählten Ordner oder die Tabelle aus der Liste nehmen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/gui/words.py" />
   <source>Select text to copy it</source>
   <translation>Text markieren, um ihn zu kopieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/candidate.py" />
   <source>{}: the engine's candidates cannot be read ({}); engine and plugin may be of different versions: repair the engine's environment</source>
   <translation>{}: Die Kandidaten der Engine lassen sich nicht lesen ({}); Engine und Erweiterung sind vielleicht von verschiedenen Versionen: Reparieren Sie die Umgebung der Engine</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/edits.py" />
   <source>{0}: what was changed elsewhere since is left alone (candidates: {1}).</source>
   <translation>{0}: Was seither anderswo geändert wurde, bleibt (Kandidaten: {1}).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/export.py" />
   <source>No candidate is selected: choose more photos or decisions.</source>
   <translation>Kein Kandidat ist gewählt: Wählen Sie mehr Fotos oder Entscheidungen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/export.py" />
   <source>{}: holds the results of a run; choose another file.</source>
   <translation>{}: enthält die Ergebnisse eines Laufs; wählen Sie eine andere Datei.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/export.py" />
   <source>{}: cannot be written ({}); close it in other programs, or choose another folder</source>
   <translation>{}: lässt sich nicht schreiben ({}); schließen Sie die Datei in anderen Programmen, oder wählen Sie einen anderen Ordner</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/export.py" />
   <source>{}, rank {} ({:.0f} %)</source>
   <translation>{}, Rang {} ({:.0f} %)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/export.py" />
   <source>heading {:.0f}°, {}</source>
   <translation>Blickrichtung {:.0f}°, {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/heat.py" />
   <source>Heat: {}</source>
   <translation>Heatmap: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/layer_sources.py" />
   <source>The engine cannot read '{0}' ({1} layers are QGIS's own); save it as a GeoTIFF with Export &gt; Save As… and choose that.</source>
   <translation>Die Engine kann „{0}“ nicht lesen (Layer der Art {1} kennt nur QGIS); speichern Sie ihn mit Export &gt; Speichern als … als GeoTIFF, und wählen Sie dieses.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/layer_sources.py" />
   <source>QGIS was told the coordinate system of '{}', which its file does not say; save it as a GeoTIFF with Export &gt; Save As… and choose that.</source>
   <translation>Das Koordinatensystem von „{}“ wurde in QGIS gesetzt, die Datei sagt ein anderes oder keines; speichern Sie den Layer mit Export &gt; Speichern als… als GeoTIFF und wählen Sie diesen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/layer_sources.py" />
   <source>The layer '{0}' is no file of its own on this computer ({1}); save it as a GeoTIFF with Export &gt; Save As… and choose that.</source>
   <translation>Der Layer „{0}“ ist keine eigene Datei auf diesem Rechner ({1}); speichern Sie ihn mit Export &gt; Speichern als … als GeoTIFF, und wählen Sie dieses.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/layer_sources.py" />
   <source>The layer '{}' names no address.</source>
   <translation>Der Layer „{}“ nennt keine Adresse.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/layer_sources.py" />
   <source>The layer '{}' uses a login of QGIS, which the engine cannot use; save it as a GeoTIFF with Export &gt; Save As… and choose that.</source>
   <translation>Der Layer „{}“ benutzt eine Anmeldung von QGIS, die die Engine nicht nutzen kann; speichern Sie ihn mit Export &gt; Speichern als … als GeoTIFF, und wählen Sie dieses.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/layer_sources.py" />
   <source>The layer '{}' is of a kind that the engine cannot read; choose its file.</source>
   <translation>Der Layer „{}“ ist von einer Art, die die Engine nicht lesen kann; wählen Sie seine Datei.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/locate_run.py" />
   <source>The results cannot be read ({}): they are of another version of the plugin.</source>
   <translation>Die Ergebnisse lassen sich nicht lesen ({}): Sie sind von einer anderen Version der Erweiterung.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/run.py" />
   <source>Fields of view</source>
   <translation>Sichtfelder</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/run.py" />
   <source>Photo locations {}</source>
   <translation>Fotostandorte {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/run.py" />
   <source>Heat</source>
   <translation>Heatmap</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/run.py" />
   <source>{}: the heat raster cannot be read; run the photos again</source>
   <translation>{}: Das Heatmap-Raster lässt sich nicht lesen; starten Sie die Fotos neu</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/store.py" />
   <source>{}: is there already; choose another output folder</source>
   <translation>{}: gibt es schon; wählen Sie einen anderen Ausgabeordner</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/store.py" />
   <source>{}: cannot be read ({}); close it in other programs, or choose the analysis.gpkg that a run left in its results folder</source>
   <translation>{}: lässt sich nicht lesen ({}); schließen Sie die Datei in anderen Programmen oder wählen Sie die analysis.gpkg, die ein Lauf in seinem Ergebnisordner hinterlassen hat</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/store.py" />
   <source>it is no GeoPackage</source>
   <translation>sie ist kein GeoPackage</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/store.py" />
   <source>it is not there</source>
   <translation>sie ist nicht da</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/store.py" />
   <source>{}: cannot be written ({}); close it in other programs, make room on the disk, or choose another output folder</source>
   <translation>{}: lässt sich nicht schreiben ({}); schließen Sie die Datei in anderen Programmen, schaffen Sie Platz auf dem Datenträger oder wählen Sie einen anderen Ausgabeordner</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/store.py" />
   <source>{} cannot be opened</source>
   <translation>{} lässt sich nicht öffnen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/store.py" />
   <source>it has no table '{}', so it holds no results of this plugin</source>
   <translation>sie hat keine Tabelle „{}“ und enthält also keine Ergebnisse dieser Erweiterung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/layers/style.py" />
   <source>{}: {}; install the plugin again</source>
   <translation>{}: {}; installieren Sie die Erweiterung neu</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/network.py" />
   <source>none, a direct connection</source>
   <translation>keiner, direkte Verbindung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/network.py" />
   <source>(with a user)</source>
   <translation>(mit Benutzer)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/plugin.py" />
   <source>Show or hide the panel of CSI Geolocator</source>
   <translation>Das Bedienfeld von CSI Geolocator zeigen oder verbergen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/plugin.py" />
   <source>How to locate photos, step by step</source>
   <translation>Fotos verorten, Schritt für Schritt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/algorithm.py" />
   <source>Locating photos</source>
   <translation>Fotos verorten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/algorithm.py" />
   <source>Models</source>
   <translation>Modelle</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/build_gallery.py" />
   <source>Build gallery</source>
   <translation>Galerie aufbauen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/build_gallery.py" />
   <source>index,features,prepare,area,places</source>
   <translation>Index,Merkmale,vorbereiten,Gebiet,Orte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/build_gallery.py" />
   <source>Computes the features of every place of an area once, for many photos.</source>
   <translation>Berechnet die Merkmale jedes Ortes eines Gebiets einmal, für viele Fotos.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/build_gallery.py" />
   <source>Lays places out along the roads of an area, reads imagery and street views of each, and computes what photos are compared with. 'Locate photos' then takes the folder as its gallery, with the same area, sources and options, and answers in seconds.

A build that was stopped goes on when it is run again with the same folder and the same sources. A gallery belongs to one model.</source>
   <translation>Legt Orte entlang der Straßen eines Gebiets, liest Bilddaten und Straßenansichten zu jedem und berechnet, womit Fotos verglichen werden. „Fotos verorten“ nimmt den Ordner mit demselben Gebiet, denselben Quellen und Optionen dann als Galerie und antwortet in Sekunden.

Ein angehaltener Aufbau geht weiter, wenn er mit demselben Ordner und denselben Quellen noch einmal gestartet wird. Eine Galerie gehört zu einem Modell.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/build_gallery.py" />
   <source>Gallery</source>
   <translation>Galerie</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/build_gallery.py" />
   <source>The folder of the gallery.</source>
   <translation>Der Ordner der Galerie.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>Evaluate model</source>
   <translation>Modell bewerten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>score,recall,accuracy,bundle,rendered</source>
   <translation>Bewertung,Trefferquote,Genauigkeit,Modell,gerendert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>Says how often a model is right in rendered cities that it has never seen.</source>
   <translation>Sagt, wie oft ein Modell in gerenderten Städten richtig liegt, die es nie gesehen hat.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>Locates photos of rendered cities with a model and counts how often the first answer (R@1), or one of the first five (R@5), lies within 25 m of the truth: by field of view, from satellite images (si), street views (svi) or both, beside what chance would give.

Rendered cities are not the world: the figures compare models with each other, and say little of how often a real photo is found.</source>
   <translation>Verortet Fotos gerenderter Städte mit einem Modell und zählt, wie oft die erste Antwort (R@1) oder eine der ersten fünf (R@5) höchstens 25 m von der Wahrheit entfernt liegt: nach Bildwinkel, aus Satellitenbildern (si), Straßenansichten (svi) oder beiden, neben dem, was der Zufall ergäbe.

Gerenderte Städte sind nicht die Welt: Die Zahlen vergleichen Modelle miteinander und sagen wenig darüber, wie oft ein echtes Foto gefunden wird.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>A folder of cities that were rendered before, such as 'held_out' of a training. Empty: cities are rendered for this.</source>
   <translation>Ein Ordner mit vorher gerenderten Städten, etwa „held_out“ eines Trainings. Leer: Dafür werden Städte gerendert.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>Figures</source>
   <translation>Kennzahlen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>One row a kind of reference and field of view.</source>
   <translation>Eine Zeile je Art der Referenz und Bildwinkel.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>The same figures with the model's own sum.</source>
   <translation>Dieselben Zahlen mit der Prüfsumme des Modells.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>Rendering {} cities</source>
   <translation>{} Städte werden gerendert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/evaluate_model.py" />
   <source>Scoring the model</source>
   <translation>Das Modell wird bewertet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Photo {0} of {1}: {2}</source>
   <translation>Foto {0} von {1}: {2}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Reading the photos</source>
   <translation>Die Fotos werden gelesen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Fetching imagery</source>
   <translation>Bilddaten werden geholt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Fetching street views</source>
   <translation>Straßenansichten werden geholt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Writing street views</source>
   <translation>Straßenansichten werden geschrieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Computing the features of every place</source>
   <translation>Die Merkmale jedes Ortes werden berechnet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Locating the photos</source>
   <translation>Die Fotos werden verortet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Comparing a photo with every place</source>
   <translation>Ein Foto wird mit jedem Ort verglichen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Looking at the best places from a few metres beside</source>
   <translation>Die besten Orte werden aus einigen Metern daneben betrachtet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Comparing a photo with street views</source>
   <translation>Ein Foto wird mit Straßenansichten verglichen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/feedback.py" />
   <source>Writing the results</source>
   <translation>Ergebnisse werden geschrieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Fetch references</source>
   <translation>Referenzen holen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>download,offline,imagery,street view,roads,estimate</source>
   <translation>Download,offline,Bilddaten,Straßenansicht,Straßen,Schätzung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Fetches imagery, street views and roads of an area, to be used offline.</source>
   <translation>Holt Bilddaten, Straßenansichten und Straßen eines Gebiets, um offline damit zu arbeiten.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Fetches what an area's photos are compared with, as a folder that 'Locate photos' and 'Build gallery' take as fetched references, without a network if need be.

What would be asked of each source is said first; with 'Estimate only' nothing more is done. A fetch that was stopped goes on when it is run again with the same folder. Sources that may not be kept are left out, and that is said.</source>
   <translation>Holt, womit die Fotos eines Gebiets verglichen werden, in einen Ordner, den „Fotos verorten“ und „Galerie aufbauen“ als geholte Referenzen nehmen, wenn nötig ohne Netzwerk.

Was jede Quelle gefragt würde, wird zuerst gesagt; mit „Nur schätzen“ geschieht nicht mehr. Ein angehaltenes Holen geht weiter, wenn es mit demselben Ordner noch einmal gestartet wird. Quellen, die nicht aufbewahrt werden dürfen, bleiben weg, und das wird gesagt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Estimate only</source>
   <translation>Nur schätzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Fetched references</source>
   <translation>Geholte Referenzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Say what would be fetched, and fetch nothing.</source>
   <translation>Sagen, was geholt würde, und nichts holen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>The folder of the fetched references.</source>
   <translation>Der Ordner der geholten Referenzen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Requests</source>
   <translation>Anfragen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Megabytes</source>
   <translation>Megabyte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Seconds</source>
   <translation>Sekunden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>Summary</source>
   <translation>Zusammenfassung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>{0} places; {1} requests, {2:.1f} MB, about {3:.0f} s</source>
   <translation>{0} Orte; {1} Anfragen, {2:.1f} MB, etwa {3:.0f} s</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/fetch_references.py" />
   <source>{0}: {1} requests, {2:.1f} MB</source>
   <translation>{0}: {1} Anfragen, {2:.1f} MB</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>{0}: this folder cannot be made ({1}); choose another.</source>
   <translation>{0}: Dieser Ordner lässt sich nicht anlegen ({1}); wählen Sie einen anderen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>Choose photos, or a folder that holds some.</source>
   <translation>Wählen Sie Fotos oder einen Ordner, der welche enthält.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>Choose the area that may hold the place: an extent or polygons.</source>
   <translation>Wählen Sie das Gebiet, in dem der Ort liegen kann: eine Ausdehnung oder Polygone.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>The area is given twice; keep the extent or the polygons.</source>
   <translation>Das Gebiet ist zweimal angegeben; behalten Sie die Ausdehnung oder die Polygone.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>The extent is empty; draw it again.</source>
   <translation>Die Ausdehnung ist leer; zeichnen Sie sie neu.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>{}: this raster layer cannot be opened.</source>
   <translation>{}: Dieser Rasterlayer lässt sich nicht öffnen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>{0}: this is not JSON ({1}).</source>
   <translation>{0}: Das ist kein JSON ({1}).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>{}: write names and values in braces, as in {{"name": 1}}</source>
   <translation>{}: Schreiben Sie Namen und Werte in Klammern, wie in {{"name": 1}}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>{}: this layer cannot be opened.</source>
   <translation>{}: Dieser Layer lässt sich nicht öffnen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/inputs.py" />
   <source>Both '{0}' and '{1}' are given; keep one.</source>
   <translation>„{0}“ und „{1}“ sind beide angegeben; behalten Sie eines.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Locate photos</source>
   <translation>Fotos verorten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>photo,geolocation,geotag,street view,satellite,heading,where,find</source>
   <translation>Foto,Verortung,Geotag,Straßenansicht,Satellit,Blickrichtung,wo,finden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Ranks the places of an area where each photo may have been taken.</source>
   <translation>Ordnet die Orte eines Gebiets danach, wo jedes Foto aufgenommen sein kann.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Compares each photo with satellite imagery and street views of every place of an area and ranks the places, each with a viewing direction, a probability and what speaks for it. Where nothing fits it says so.

Give photos, an area and at least imagery or street views; both are better. Roads say where places lie. A gallery folder keeps what was computed, so that the next photo of the same area takes seconds.

A position or heading in a photo's file is never used to find it. Answers are evidence to check, not proof.</source>
   <translation>Vergleicht jedes Foto mit Satellitenbildern und Straßenansichten jedes Ortes eines Gebiets und ordnet die Orte, jeden mit Blickrichtung, Wahrscheinlichkeit und dem, was für ihn spricht. Wo nichts passt, wird das gesagt.

Geben Sie Fotos, ein Gebiet und mindestens Bilddaten oder Straßenansichten an; beides ist besser. Straßen sagen, wo Orte liegen. Ein Galerieordner bewahrt das Berechnete, so dass das nächste Foto desselben Gebiets Sekunden braucht.

Eine Position oder Blickrichtung in der Datei eines Fotos wird nie benutzt, um es zu finden. Antworten sind Indizien zum Prüfen, keine Beweise.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Photos probably not in this area</source>
   <translation>Fotos, die wahrscheinlich nicht in diesem Gebiet liegen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Photos that failed</source>
   <translation>Gescheiterte Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Attributions</source>
   <translation>Quellenangaben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>What was answered until then is in {}, which the panel opens.</source>
   <translation>Was bis dahin beantwortet war, steht in {}; das Panel öffnet es.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>A folder to keep what is computed of the area, or one that 'Build gallery' wrote. The next photo of the same area then takes seconds.</source>
   <translation>Ein Ordner, der das Berechnete des Gebiets bewahrt, oder einer, den „Galerie aufbauen“ geschrieben hat. Das nächste Foto desselben Gebiets braucht dann Sekunden.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Changes of photos (JSON)</source>
   <translation>Änderungen an Fotos (JSON)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Turn, crop, field of view and time by photo, such as {"/photos/a.jpg": {"turn_deg": 90, "fov_deg": 65}}. The files stay as they are.</source>
   <translation>Drehung, Ausschnitt, Bildwinkel und Zeit je Foto, etwa {"/photos/a.jpg": {"turn_deg": 90, "fov_deg": 65}}. Die Dateien bleiben, wie sie sind.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>True positions</source>
   <translation>Wahre Positionen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>A table with columns file, lon, lat and heading_deg, to say how far off answers are.</source>
   <translation>Eine Tabelle mit den Spalten file, lon, lat und heading_deg, um zu sagen, wie weit Antworten danebenliegen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Results folder</source>
   <translation>Ergebnisordner</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>GeoPackage, heat raster, map and report are written here.</source>
   <translation>GeoPackage, Heatmap-Raster, Karte und Bericht werden hierher geschrieben.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Ranked places as points, best first.</source>
   <translation>Geordnete Orte als Punkte, der beste zuerst.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>What each candidate would see, as wedges.</source>
   <translation>Was jeder Kandidat sähe, als Kreisausschnitte.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Probability by place over the area.</source>
   <translation>Wahrscheinlichkeit je Ort im Gebiet.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>Everything that was found, and what it was found with.</source>
   <translation>Alles, was gefunden wurde, und womit.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/locate_photos.py" />
   <source>No photo could be answered:</source>
   <translation>Kein Foto ließ sich beantworten:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>JPEG, PNG, TIFF, WebP or HEIC files. They are only read.</source>
   <translation>JPEG-, PNG-, TIFF-, WebP- oder HEIC-Dateien. Sie werden nur gelesen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Folder of photos</source>
   <translation>Ordner mit Fotos</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Every photo in it, to the bottom.</source>
   <translation>Jedes Foto darin, auch in Unterordnern.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Area: extent</source>
   <translation>Gebiet: Ausdehnung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>The rectangle that may hold the place. Give this or polygons, not both.</source>
   <translation>Das Rechteck, in dem der Ort liegen kann. Dieses oder Polygone angeben, nicht beides.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Area: polygons</source>
   <translation>Gebiet: Polygone</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Polygons that may hold the place. Give these or an extent, not both.</source>
   <translation>Polygone, in denen der Ort liegen kann. Diese oder eine Ausdehnung angeben, nicht beides.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Imagery: layer</source>
   <translation>Bilddaten: Layer</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Satellite or aerial imagery: a raster or tile layer.</source>
   <translation>Satelliten- oder Luftbilder: ein Raster- oder Kachellayer.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Imagery: source</source>
   <translation>Bilddaten: Quelle</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Instead of a layer: a file, or an online source as the panel lists them, such as xyz|url=https://tiles.example.org/{z}/{x}/{y}.jpg</source>
   <translation>Statt eines Layers: eine Datei oder eine Onlinequelle, wie das Bedienfeld sie nennt, etwa xyz|url=https://tiles.example.org/{z}/{x}/{y}.jpg</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Roads: layer</source>
   <translation>Straßen: Layer</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Places are laid out along these lines. Without roads, on a grid.</source>
   <translation>Orte liegen entlang dieser Linien. Ohne Straßen auf einem Raster.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Roads: source</source>
   <translation>Straßen: Quelle</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Instead of a layer: a file of lines, or an online source such as overpass</source>
   <translation>Statt eines Layers: eine Datei mit Linien oder eine Onlinequelle, etwa overpass</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Street views: folder</source>
   <translation>Straßenansichten: Ordner</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Photos or panoramas with coordinates in their files.</source>
   <translation>Fotos oder Panoramen mit Koordinaten in ihren Dateien.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Street views: sources</source>
   <translation>Straßenansichten: Quellen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>One a line: a folder, a table with one row an image, or an online source such as panoramax</source>
   <translation>Je Zeile eine: ein Ordner, eine Tabelle mit einem Bild je Zeile oder eine Onlinequelle, etwa panoramax</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>A folder that 'Fetch references' wrote; it stands for sources not named here.</source>
   <translation>Ein Ordner, den „Referenzen holen“ geschrieben hat; er steht für Quellen, die hier nicht genannt sind.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>The folder of a model. Empty: the one of this plugin.</source>
   <translation>Der Ordner eines Modells. Leer: das dieser Erweiterung.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>auto takes a graphics card where there is one; cuda is NVIDIA's, mps Apple's.</source>
   <translation>auto nimmt eine Grafikkarte, wo es eine gibt; cuda ist von NVIDIA, mps von Apple.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Offline</source>
   <translation>Offline</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Make no request: local files and what was fetched before only.</source>
   <translation>Keine Anfrage stellen: nur lokale Dateien und vorher Geholtes.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>At most this many requests</source>
   <translation>Höchstens so viele Anfragen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Stop rather than ask online sources more often. 0: as the settings say.</source>
   <translation>Eher anhalten, als Onlinequellen öfter zu fragen. 0: wie in den Einstellungen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>At most this many megabytes</source>
   <translation>Höchstens so viele Megabyte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Stop rather than fetch more. 0: as the settings say.</source>
   <translation>Eher anhalten, als mehr zu holen. 0: wie in den Einstellungen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Options (JSON)</source>
   <translation>Optionen (JSON)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/parameters.py" />
   <source>Any other option of the engine, such as {"search": {"top_k": 100}}</source>
   <translation>Jede andere Option der Engine, etwa {"search": {"top_k": 100}}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/provider.py" />
   <source>CSI Geolocator: locate photos without coordinates</source>
   <translation>CSI Geolocator: Fotos ohne Koordinaten verorten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>Rendered cities</source>
   <translation>Gerenderte Städte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>Cities</source>
   <translation>Städte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>How many cities are rendered.</source>
   <translation>Wie viele Städte gerendert werden.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>First city</source>
   <translation>Erste Stadt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>Cities are numbered; each number is always the same city.</source>
   <translation>Städte sind nummeriert; jede Nummer ist immer dieselbe Stadt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>Places a city</source>
   <translation>Orte je Stadt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>How many places are seen in each city.</source>
   <translation>Wie viele Orte in jeder Stadt zu sehen sind.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>Columns of a full circle</source>
   <translation>Spalten eines Vollkreises</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/rendered_cities.py" />
   <source>As the model has them, or a multiple of that: 128 or 256 for the default model.</source>
   <translation>So viele, wie das Modell hat, oder ein Vielfaches: 128 oder 256 für das Standardmodell.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Train model</source>
   <translation>Modell trainieren</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>learning,neural network,bundle,rendered,city</source>
   <translation>Lernen,neuronales Netz,Modell,gerendert,Stadt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Trains a model on rendered cities, or on a city of your own.</source>
   <translation>Trainiert ein Modell an gerenderten Städten oder an einer eigenen Stadt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Renders cities, each with satellite images, panoramas and photos of its places, and trains a model to match them; other cities are held out to judge it by. The results folder then holds the model in 'bundle', which 'Locate photos', 'Build gallery' and 'Evaluate model' take, and its figures in 'history.json'.

From rendered cities the model learns from those alone, and its card says so. On a processor the default preset takes hours; 'smoke' takes two steps, to see that all runs. A training that was stopped goes on with 'Resume' and the same results folder.

A folder written by 'python -m training collect' is a city of your own: nothing is rendered then, its blocks are parted into those to learn from and those to judge by. The preset 'custom_city' is made for it and begins with the packaged model.</source>
   <translation>Rendert Städte, jede mit Satellitenbildern, Panoramen und Fotos ihrer Orte, und trainiert ein Modell, sie einander zuzuordnen; andere Städte werden zurückgehalten, um es zu beurteilen. Der Ergebnisordner enthält dann das Modell in „bundle“, das „Fotos verorten“, „Galerie aufbauen“ und „Modell bewerten“ nehmen, und seine Kennzahlen in „history.json“.

Aus gerenderten Städten lernt das Modell allein aus diesen, und seine Karte sagt das. Auf einem Prozessor dauert die Voreinstellung „default“ Stunden; „smoke“ macht zwei Schritte, um zu sehen, dass alles läuft. Ein angehaltenes Training geht mit „Fortsetzen“ und demselben Ergebnisordner weiter.

Ein Ordner, den „python -m training collect“ geschrieben hat, ist eine eigene Stadt: Dann wird nichts gerendert, ihre Blöcke werden in solche zum Lernen und solche zum Beurteilen geteilt. Die Voreinstellung „custom_city“ ist dafür gemacht und beginnt mit dem mitgelieferten Modell.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Cities that were rendered before are used again, missing ones are added; a collected city of your own is used as it is. Empty: inside the results folder.</source>
   <translation>Vorher gerenderte Städte werden wieder benutzt, fehlende hinzugefügt; eine gesammelte eigene Stadt wird benutzt, wie sie ist. Leer: im Ergebnisordner.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Cities held out</source>
   <translation>Zurückgehaltene Städte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Rendered beside the others, to judge the model by; it never learns from them.</source>
   <translation>Neben den anderen gerendert, um das Modell zu beurteilen; es lernt nie aus ihnen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>The folder of the run.</source>
   <translation>Der Ordner des Laufs.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Training</source>
   <translation>Training</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Preset</source>
   <translation>Voreinstellung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Configuration file</source>
   <translation>Konfigurationsdatei</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Minutes</source>
   <translation>Minuten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Resume</source>
   <translation>Fortsetzen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>default for a processor, gpu for a graphics card, custom_city for a city of your own, smoke to try it.</source>
   <translation>default für einen Prozessor, gpu für eine Grafikkarte, custom_city für eine eigene Stadt, smoke zum Ausprobieren.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Used instead of the preset.</source>
   <translation>Anstelle der Voreinstellung.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Steps</source>
   <translation>Schritte</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Empty: as the preset says.</source>
   <translation>Leer: wie die Voreinstellung sagt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Stop after this long. Empty: when all steps are done.</source>
   <translation>Nach dieser Zeit anhalten. Leer: wenn alle Schritte getan sind.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Go on from the last checkpoint of the results folder.</source>
   <translation>Vom letzten Sicherungspunkt im Ergebnisordner weitermachen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Options (name=value)</source>
   <translation>Optionen (Name=Wert)</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/train_model.py" />
   <source>Any other option of the training, one a line, such as matcher.learning_rate=0.001</source>
   <translation>Jede andere Option des Trainings, eine je Zeile, etwa matcher.learning_rate=0.001</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/processing/training_process.py" />
   <source>{0} ended with exit code {1}. Its last words were:</source>
   <translation>{0} endete mit Rückgabewert {1}. Die letzten Worte waren:</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/reference_cache.py" />
   <source>{0} is no cache of this plugin (a folder named {1}); it is left alone.</source>
   <translation>{0} ist kein Zwischenspeicher dieser Erweiterung (ein Ordner namens {1}) und bleibt unberührt.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>it cannot be opened</source>
   <translation>sie lässt sich nicht öffnen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Photo: {}</source>
   <translation>Foto: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Street view at the candidate. {}</source>
   <translation>Straßenansicht am Kandidaten. {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Candidates of this photo, north up</source>
   <translation>Kandidaten dieses Fotos, Norden oben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Where was {} taken?</source>
   <translation>Wo wurde {} aufgenommen?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Probability that it was not taken in this area: {}.</source>
   <translation>Wahrscheinlichkeit, dass es nicht in diesem Gebiet aufgenommen wurde: {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Answers are evidence to check, not proof.</source>
   <translation>Antworten sind Indizien zum Prüfen, keine Beweise.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>local files, as named in the results</source>
   <translation>lokale Dateien, wie in den Ergebnissen genannt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>not recorded</source>
   <translation>nicht festgehalten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Model {}, software {}, report of {}.</source>
   <translation>Modell {}, Software {}, Bericht vom {}.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Photo SHA-256: {}</source>
   <translation>SHA-256 des Fotos: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>The run has not finished: sources and model are named as far as they were known at its start, and the limits of the model are not listed.</source>
   <translation>Der Lauf ist nicht zu Ende: Quellen und Modell sind so weit genannt, wie sie zu Beginn bekannt waren, und die Grenzen des Modells fehlen.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Position</source>
   <translation>Position</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Direction</source>
   <translation>Richtung</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Evidence</source>
   <translation>Indizien</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Position set by hand</source>
   <translation>Position von Hand gesetzt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>yes</source>
   <translation>ja</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>Candidate of rank {}</source>
   <translation>Kandidat auf Rang {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/report.py" />
   <source>, precise to {:g} m</source>
   <translation>, auf {:g} m genau</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/settings.py" />
   <source>The list of sources has to be asked for again: {}</source>
   <translation>Die Liste der Quellen muss neu abgefragt werden: {}</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/settings.py" />
   <source>The key of {} cannot be read from the authentication store: unlock it with the master password, or choose another entry in the settings.</source>
   <translation>Der Schlüssel von {} lässt sich nicht aus dem Authentifizierungsspeicher lesen: Entsperren Sie ihn mit dem Hauptpasswort, oder wählen Sie in den Einstellungen einen anderen Eintrag.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/tasks/layer_export.py" />
   <source>Writing '{}' for the engine</source>
   <translation>„{}“ wird für die Engine geschrieben</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/tasks/locate_task.py" />
   <source>Locating {} photos</source>
   <translation>{} Fotos werden verortet</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/tasks/photo_files.py" />
   <source>{}: there is no such file; was it moved?</source>
   <translation>{}: Die Datei gibt es nicht; wurde sie verschoben?</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>north</source>
   <translation>Norden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>north-east</source>
   <translation>Nordosten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>east</source>
   <translation>Osten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>south-east</source>
   <translation>Südosten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>south</source>
   <translation>Süden</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>south-west</source>
   <translation>Südwesten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>west</source>
   <translation>Westen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>north-west</source>
   <translation>Nordwesten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>N</source>
   <translation>N</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>S</source>
   <translation>S</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>E</source>
   <translation>O</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>W</source>
   <translation>W</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Proposed</source>
   <translation>Vorgeschlagen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Confirmed</source>
   <translation>Bestätigt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Probable</source>
   <translation>Wahrscheinlich</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Possible</source>
   <translation>Möglich</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Rejected</source>
   <translation>Verworfen</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>real</source>
   <translation>echt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>made from satellite image</source>
   <translation>aus dem Satellitenbild erzeugt</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Could not be located</source>
   <translation>Ließ sich nicht verorten</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Probably not in this area ({})</source>
   <translation>Wahrscheinlich nicht in diesem Gebiet ({})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>In this area ({})</source>
   <translation>In diesem Gebiet ({})</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>failed</source>
   <translation>gescheitert</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>not here</source>
   <translation>nicht hier</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>No place of the area looks like it.</source>
   <translation>Kein Ort des Gebiets sieht so aus.</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Best: {} at {}, looking {} ({}).</source>
   <translation>Am besten: {} bei {}, Blick nach {} ({}).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>Best of weak guesses: {} at {}, looking {} ({}).</source>
   <translation>Beste unter schwachen Vermutungen: {} bei {}, Blick nach {} ({}).</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>{} points shared with a street view: strong evidence</source>
   <translation>{} gemeinsame Punkte mit einer Straßenansicht: starkes Indiz</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>{} points shared with a street view: weak evidence</source>
   <translation>{} gemeinsame Punkte mit einer Straßenansicht: schwaches Indiz</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>not confirmed by the street view: the model's score alone</source>
   <translation>von der Straßenansicht nicht bestätigt: allein die Wertung des Modells</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>no street view near but one made from the imagery: the model's score alone</source>
   <translation>keine Straßenansicht in der Nähe, nur eine aus den Bilddaten erzeugte: allein die Wertung des Modells</translation>
  </message>
  <message>
   <location filename="../../csi_geolocator/wording.py" />
   <source>no street view near: the model's score alone</source>
   <translation>keine Straßenansicht in der Nähe: allein die Wertung des Modells</translation>
  </message>
 </context>
</TS>
