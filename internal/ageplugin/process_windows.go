package ageplugin

import (
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

func inSessionOfItsOwn(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW}
}

// keepFiles does nothing: a program inherits only what it is given.
func keepFiles() {}

// group is a job: closing its handle ends all processes in it.
type group struct {
	job     windows.Handle
	process *os.Process
}

// groupOf puts the child into a job. The child starts nothing before it has read its
// request, which comes later.
func groupOf(command *exec.Cmd) group {
	g := group{process: command.Process}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return g
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err == nil {
		var child windows.Handle
		if child, err = windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(command.Process.Pid)); err == nil {
			err = windows.AssignProcessToJobObject(job, child)
			_ = windows.CloseHandle(child)
		}
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return g
	}
	g.job = job
	return g
}

// kill ends the job, or the child alone where there is no job.
func (g group) kill() {
	if g.job != 0 {
		_ = windows.CloseHandle(g.job)
	}
	_ = g.process.Kill()
}

// killOwnGroup ends this process. The provider's end closes the job.
func killOwnGroup() { os.Exit(1) }
